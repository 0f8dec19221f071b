import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A GraphQL request that a stand-in received. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName?: string;
}

/** Handles a request to a stand-in. The request hangs if the function does not answer. */
export type Behaviour = (request: Received, response: ServerResponse) => void;

export interface StandIn {
  readonly url: string;
  readonly received: readonly Received[];
  stop(): Promise<void>;
}

export const hang: Behaviour = () => undefined;

/** Closes the connection instead of answering. */
export const hangUp: Behaviour = (_request, response) => response.destroy();

/** Answers with this JSON, or with the result of the function. */
export const answer =
  (body: object | ((request: Received) => object), statusCode = 200): Behaviour =>
  (request, response) =>
    response
      .writeHead(statusCode, { 'content-type': 'application/json' })
      .end(JSON.stringify(typeof body === 'function' ? body(request) : body));

/** Uses one behaviour after another, one for each request. The last one is used for all further requests. */
export function inTurn(...behaviours: [Behaviour, ...Behaviour[]]): Behaviour {
  const [first] = behaviours;
  return (request, response) =>
    ((behaviours.length > 1 ? behaviours.shift() : behaviours[0]) ?? first)(request, response);
}

/** Starts a stand-in for a subgraph: /ready succeeds, `behave` handles every other request. */
export async function startStandIn(behave: Behaviour): Promise<StandIn> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === '/ready') return response.end('{}');
    // There is no endpoint for batches, so that each operation is a separate request.
    if (request.url !== '/graphql') return request.resume().on('end', () => response.writeHead(404).end());
    const chunks = await request.toArray();
    const { query, variables, operationName } = JSON.parse(Buffer.concat(chunks).toString());
    const entry = { headers: request.headers, query, variables, operationName };
    received.push(entry);
    return behave(entry, response);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    received,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Returns an address that refuses connections. */
export async function refusedUrl(): Promise<string> {
  const standIn = await startStandIn(hang);
  await standIn.stop();
  return standIn.url;
}
