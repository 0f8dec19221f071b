import type { FastifyInstance } from 'fastify';

const DEFAULT_QUERY = `# With a token from signIn, in the Headers tab below:
# { "Authorization": "Bearer <accessToken>" }
query Events {
  events(first: 10) {
    nodes {
      id
      name
      venue
      startsAt
      status
      availableSeats
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

/** Lets the page reach this gateway and nothing else; its editor and its workers are built in. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; form-action 'none'";

/** Serves GET /graphiql: an explorer of the graph that needs no internet. */
export function serveExplorer(http: FastifyInstance): void {
  http.get('/graphiql', async (_request, reply) => {
    // Nine megabytes that a gateway in production never loads.
    const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
    const page = renderGraphiQL({
      title: 'Event Booking System',
      endpoint: '/graphql',
      defaultQuery: DEFAULT_QUERY,
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: true,
      defaultEditorToolsVisibility: 'headers',
    });
    return reply.type('text/html').header('content-security-policy', CONTENT_SECURITY_POLICY).send(page);
  });
}
