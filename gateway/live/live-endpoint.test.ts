import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createToken } from '../testing/credentials.ts';
import { answer, type Received } from '../testing/stand-in.ts';
import { startTestGateway } from '../testing/test-gateway.ts';

const SSE = 'text/event-stream';
const MULTIPART = 'multipart/mixed;subscriptionSpec=1.0, application/json';
const SEATS = 'subscription Seats($id: ID!) { eventSeats(eventId: $id) { id availableSeats } }';
const OWN = 'subscription { myBookings { kind booking { id } } }';

let gateway: Awaited<ReturnType<typeof startTestGateway>>;
beforeAll(async () => {
  gateway = await startTestGateway(
    {
      event: answer(({ variables }: Received) => ({ data: { event: variables.id === 'none' ? null : { id: '1' } } })),
      booking: answer({ data: { _entities: [{ __typename: 'Event', availableSeats: 7 }] } }),
      user: answer({ data: { me: { id: '1' } } }),
    },
    { LIVE_STREAMS_ADDRESS_MAX: '3', LIVE_STREAMS_USER_MAX: '2' },
  );
});
afterAll(() => gateway.stop());

interface Asked {
  accept?: string;
  headers?: Record<string, string>;
  variables?: object;
}

/** Opens a stream, and reads it until the text contains `until`. Then the client disconnects. */
async function read(query: string, until: string, { accept = SSE, headers = {}, variables = {} }: Asked = {}) {
  const cut = new AbortController();
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body: JSON.stringify({ query, variables }),
    signal: cut.signal,
  });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array);
    if (text.includes(until)) break;
  }
  cut.abort();
  return { status: response.status, headers: response.headers, text };
}
const openStreams = async () => Object.values(await gateway.counted('live_streams')).reduce((sum, one) => sum + one, 0);
const PRESENT = '{"data":{"eventSeats":{"id":"1","availableSeats":7}},"extensions":{"paused":true}}';

describe('A subscription', () => {
  test('is answered over Server-Sent Events with the present state at once', async () => {
    const { status, headers, text } = await read(SEATS, 'next', { variables: { id: '1' } });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(SSE);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(text).toBe(`:\n\nevent: next\ndata: ${PRESENT}\n\n`);
  });

  test('is answered in parts for Apollo Client', async () => {
    const { headers, text } = await read(SEATS, 'payload', { variables: { id: '1' }, accept: MULTIPART });
    expect(headers.get('content-type')).toBe('multipart/mixed;boundary="graphql";subscriptionSpec="1.0"');
    expect(text).toBe(`\r\n--graphql\r\ncontent-type: application/json\r\n\r\n{"payload":${PRESENT}}\r\n--graphql`);
  });

  test('may come with GET if a foreign web page could not send it', async () => {
    const url = `${gateway.url}/graphql?${new URLSearchParams({ query: SEATS, variables: '{"id":"1"}' })}`;
    const foreign = await fetch(url, { headers: { accept: SSE } });
    expect([foreign.status, await foreign.text()]).toEqual([400, expect.stringContaining('CSRF')]);
    const cut = new AbortController();
    const own = await fetch(url, { headers: { accept: SSE, 'apollo-require-preflight': 'yes' }, signal: cut.signal });
    expect(own.headers.get('content-type')).toBe(SSE);
    cut.abort();
  });

  test('of an unknown event is answered with null', async () => {
    const { text } = await read(SEATS, 'next', { variables: { id: 'none' } });
    expect(text).toContain('{"data":{"eventSeats":null}');
  });

  test('of own bookings begins with REFRESH, and needs a user', async () => {
    const authorization = `Bearer ${await createToken()}`;
    const { text } = await read(OWN, 'next', { headers: { authorization } });
    expect(text).toContain('{"data":{"myBookings":{"kind":"REFRESH","booking":null}}');
    const refused = await read(OWN, '}');
    expect(refused.status).toBe(401);
    expect(refused.text).toContain('UNAUTHENTICATED');
  });

  test.each([
    ['no stream is accepted', SEATS, { accept: 'application/json' }, 406, 'needs the header Accept'],
    ['it is unknown', 'subscription { all { id } }', {}, 200, 'Cannot query field \\"all\\"'],
    ['it has two fields', 'subscription { a: myBookings { kind } b: myBookings { kind } }', {}, 200, 'only one'],
    ['it asks for the schema', 'subscription { __schema { queryType { name } } }', {}, 200, 'introspection'],
    [
      'its field is conditional',
      'subscription { myBookings @skip(if: false) { kind } }',
      {},
      400,
      'must not have @skip',
    ],
    [
      'it uses @defer',
      'subscription { myBookings { ... @defer { kind } } }',
      {},
      200,
      'Unknown directive \\"@defer\\"',
    ],
    ['a variable is missing', SEATS, {}, 200, 'Variable \\"$id\\"'],
    ['its token is bad', OWN, { headers: { authorization: 'Bearer a.b.c' } }, 401, 'UNAUTHENTICATED'],
    [
      'each answer costs too much',
      'subscription { eventSeats(eventId: "1") { bookings(first: 100) { nodes { event { id } user { id } } } } }',
      {},
      200,
      'QUERY_TOO_COMPLEX',
    ],
  ])('is refused when %s', async (_why, query, asked: Asked, status, message) => {
    const refused = await read(query, 'complete', asked);
    expect(refused).toMatchObject({ status, text: expect.stringContaining(message) });
    // The protocol reports an invalid operation in a stream.
    const isStream = status === 200;
    expect(refused.headers.get('content-type')).toMatch(isStream ? SSE : 'application/json');
    if (isStream) expect(refused.text).toMatch(/^event: next\ndata: \{"errors":.*\n\nevent: complete\ndata:\n\n$/);
    const asJson = await read(query, 'extensions', { ...asked, accept: asked.accept ?? MULTIPART });
    expect(asJson).toMatchObject({ status: isStream ? 400 : status, text: expect.stringContaining(message) });
  });
});

describe('Streams', () => {
  test('are limited for each address, and a closed one makes room', async () => {
    const streams = await Promise.all(
      [1, 2, 3].map(async () => {
        const cut = new AbortController();
        const headers = { 'content-type': 'application/json', accept: SSE };
        const body = JSON.stringify({ query: SEATS, variables: { id: '1' } });
        const { status } = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body, signal: cut.signal });
        return { status, cut };
      }),
    );
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    const refused = await read(SEATS, 'extensions', { variables: { id: '1' } });
    expect(refused).toMatchObject({ status: 429, text: expect.stringContaining('RATE_LIMITED') });
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await gateway.counted('gateway_refusals_total')).toMatchObject({ streams: 1 });
    for (const { cut } of streams) cut.abort();
    await expect.poll(openStreams).toBe(0);
    expect((await read(SEATS, 'next', { variables: { id: '1' } })).status).toBe(200);
  });

  test('carry the answers of queries, but no mutation by GET', async () => {
    const { headers, text } = await read('{ me { id } }', 'complete');
    expect(headers.get('content-type')).toBe(SSE);
    expect(text).toBe('event: next\ndata: {"data":{"me":{"id":"1"}}}\n\nevent: complete\ndata:\n\n');
    expect((await read('{ me { id } }', '}}', { accept: `application/json, ${SSE}` })).text).toBe(
      '{"data":{"me":{"id":"1"}}}\n',
    );
    const before = gateway.standIns.user.received.length;
    const url = `${gateway.url}/graphql?${new URLSearchParams({ query: 'mutation { signOut(refreshToken: "x") }' })}`;
    const refused = await fetch(url, { headers: { accept: SSE, 'apollo-require-preflight': 'yes' } });
    expect([refused.status, await refused.text()]).toEqual([405, expect.stringContaining('cannot be a mutation')]);
    expect(gateway.standIns.user.received).toHaveLength(before);
  });

  test('are logged and counted when they begin and when they end', async () => {
    const { headers } = await read(SEATS, 'next', { variables: { id: '1' } });
    const requestId = headers.get('x-request-id');
    const logged = () => gateway.logs.filter((line) => line.requestId === requestId);
    await expect.poll(logged).toMatchObject([
      { msg: 'request', operation: 'Seats', outcome: 'OK', status: 200 },
      { msg: 'stream ended', subscription: 'eventSeats', reason: 'client' },
    ]);
    expect((await gateway.counted('live_streams_ended_total'))['eventSeats,client']).toBeGreaterThan(0);
  });
});
