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

/** Allows connections to this gateway only. The page contains the editor and its workers inline. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; form-action 'none'";

/** Serves GET /graphiql: a GraphQL explorer that works without internet access. */
export function serveExplorer(http: FastifyInstance): void {
  http.get('/graphiql', async (_request, reply) => {
    // Imported here because the module has nine megabytes, and production never needs it.
    const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
    const page = renderGraphiQL({
      title: 'Event Booking System',
      endpoint: '/graphql',
      defaultQuery: DEFAULT_QUERY,
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: true,
      // The explorer subscribes with GET, which the gateway refuses without this header.
      additionalHeaders: { 'apollo-require-preflight': 'explorer' },
      defaultEditorToolsVisibility: 'headers',
    });
    return reply.type('text/html').header('content-security-policy', CONTENT_SECURITY_POLICY).send(page);
  });
}
