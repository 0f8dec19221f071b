/** How the parts of a stream are written. Every part is a complete text, so that a client can read it at once. */
export interface Protocol {
  readonly name: 'multipart' | 'sse';
  readonly contentType: string;
  readonly start: string;
  readonly heartbeat: string;
  /** Writes a GraphQL response, which is JSON on one line. */
  next(json: string): string;
  /** Ends the stream: completely, or with an error that is not about a single answer. */
  end(error?: object): string;
}

const BOUNDARY = '\r\n--graphql';
/** The boundary comes right after each part. A client would otherwise wait for the next part. */
const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}${BOUNDARY}`;

/** https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol */
const multipart: Protocol = {
  name: 'multipart',
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"',
  start: BOUNDARY,
  heartbeat: part('{}'),
  next: (json) => part(`{"payload":${json}}`),
  end: (error) => `${error ? part(JSON.stringify({ payload: null, errors: [error] })) : ''}--\r\n`,
};

const next = (json: string) => `event: next\ndata: ${json}\n\n`;
const COMPLETE = 'event: complete\ndata:\n\n';

/** https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, "Distinct connections mode" */
const sse: Protocol = {
  name: 'sse',
  contentType: 'text/event-stream',
  start: ':\n\n',
  heartbeat: ':\n\n',
  next,
  end: (error) => `${error ? next(JSON.stringify({ errors: [error] })) : ''}${COMPLETE}`,
};

const ACCEPTS_MULTIPART = /multipart\/mixed\s*;[^,]*\bsubscriptionspec="?1\.0"?/i;
const ACCEPTS_SSE = /text\/event-stream/i;

/** Returns the protocol in which a client accepts a stream, or undefined. */
export function protocolOf(accept = ''): Protocol | undefined {
  if (ACCEPTS_MULTIPART.test(accept)) return multipart;
  return ACCEPTS_SSE.test(accept) ? sse : undefined;
}

/** Writes the only answer of a query as a stream. */
export const inOneStream = (json: string): string => next(json) + COMPLETE;
