import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createToken, proofOf } from '../testing/credentials.ts';
import { answer, type Behaviour, hang, type Received } from '../testing/stand-in.ts';
import { startTestGateway } from '../testing/test-gateway.ts';

const EVENT_ID = '019ac000-0000-7000-8000-0000000000aa';
const PAGE_SIZE = 100;
const SOON = { timeout: 10_000 };

let gateway: Awaited<ReturnType<typeof startTestGateway>>;
afterEach(() => gateway.stop());

const events = (event: object | null = { timeZone: 'Europe/Berlin' }) => answer({ data: { event } });
const ADA = { name: '=Ada "the Countess", Lovelace', email: 'ada@example.com' };
const booking = (number: number, attendee: object | null = ADA) => ({
  id: `booking-${number}`,
  attendee,
  seatCount: 2,
  status: 'CONFIRMED',
  createdAt: '2030-06-01T19:30:00.000Z',
});

const pageOf = (nodes: object[], endCursor: string | null) => ({
  data: { _entities: [{ bookings: { nodes, pageInfo: { hasNextPage: endCursor !== null, endCursor } } }] },
});

/** Answers with so many pages. The cursor is the number of the page. */
const bookings = (pages: number): Behaviour =>
  answer(({ variables }: Received) => {
    const page = Number(variables.after ?? 0);
    const nodes = Array.from({ length: PAGE_SIZE }, (_, index) => booking(page * PAGE_SIZE + index));
    return pageOf(nodes, page + 1 < pages ? String(page + 1) : null);
  });

async function download(id = EVENT_ID, { token = true, ...options }: RequestInit & { token?: boolean } = {}) {
  const headers = token ? { authorization: `Bearer ${await createToken()}` } : {};
  return fetch(`${gateway.url}/events/${id}/attendees.csv`, { headers, ...options });
}

describe('the attendees of an event as a file', () => {
  it('have a line for each booking, with times in the zone of the event, and blanks for deleted users', async () => {
    gateway = await startTestGateway({
      event: events(),
      booking: answer(({ variables }: Received) =>
        variables.after === null ? pageOf([booking(1)], 'next') : pageOf([booking(2, null)], null),
      ),
    });
    const response = await download();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': `attachment; filename="attendees-${EVENT_ID}.csv"`,
      'cache-control': 'no-store',
    });
    expect(await response.text()).toBe(
      [
        'booking,name,email,seats,status,created at (Europe/Berlin)',
        `booking-1,"'=Ada ""the Countess"", Lovelace",ada@example.com,2,CONFIRMED,2030-06-01 21:30:00`,
        'booking-2,,,2,CONFIRMED,2030-06-01 21:30:00',
        '',
      ].join('\r\n'),
    );
    const received = gateway.standIns.booking.received;
    expect(received.map(({ variables }) => variables)).toEqual(
      [null, 'next'].map((after) => ({
        representations: [{ __typename: 'Event', id: EVENT_ID }],
        first: PAGE_SIZE,
        after,
      })),
    );
    for (const { headers } of received)
      expect(headers).toMatchObject({
        authorization: expect.stringMatching(/^Bearer /),
        'x-gateway-proof': proofOf('booking'),
      });
    expect(await gateway.counted('graphql_operations_total')).toEqual({ 'query,other,OK': 1 });
  });

  it.each([
    ['no token', 401, 'UNAUTHENTICATED', events(), bookings(1), { token: false }],
    ['a bad token', 401, 'UNAUTHENTICATED', events(), bookings(1), { headers: { authorization: 'Bearer nonsense' } }],
    ['an unknown event', 404, 'NOT_FOUND', events(null), bookings(1), {}],
    ['somebody else', 403, 'FORBIDDEN', events(), answer({ data: { _entities: [{ bookings: null }] } }), {}],
    ['a subgraph that does not answer', 503, 'SERVICE_UNAVAILABLE', events(), undefined, {}],
    [
      'contacts that cannot be read',
      503,
      'SERVICE_UNAVAILABLE',
      events(),
      answer({
        ...pageOf([booking(1, null)], null),
        errors: [{ message: 'away', extensions: { code: 'SERVICE_UNAVAILABLE' }, path: ['_entities', 0] }],
      }),
      {},
    ],
  ] as const)('are refused for %s with %d', async (_what, status, code, event, behaviour, options) => {
    gateway = await startTestGateway({ event, ...(behaviour && { booking: behaviour }) });
    const response = await download(EVENT_ID, options);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
    expect(await gateway.counted('graphql_operations_total')).toEqual({ [`query,other,${code}`]: 1 });
  });

  it('are not read for a HEAD request', async () => {
    gateway = await startTestGateway({ event: events(), booking: bookings(1) });
    expect((await download(EVENT_ID, { method: 'HEAD' })).status).toBe(404);
    expect(gateway.standIns.booking.received).toEqual([]);
  });

  it('are not there for a text that is no id, and no subgraph is asked', async () => {
    gateway = await startTestGateway({ event: events(), booking: bookings(1) });
    expect((await download('..%2Fgraphql')).status).toBe(404);
    expect(gateway.standIns.event.received).toEqual([]);
  });

  it('end with a closed connection when a page cannot be read', async () => {
    gateway = await startTestGateway({
      event: events(),
      booking: (received, response) =>
        received.variables.after === '3' ? response.destroy() : bookings(10)(received, response),
    });
    const response = await download();
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    await vi.waitFor(() => expect(gateway.logs.map(({ msg }) => msg)).toContain('a download was broken off'), SOON);
  });

  it('are read no faster than the client takes them, and no more after it has gone', async () => {
    const pages = 10_000;
    gateway = await startTestGateway({ event: events(), booking: bookings(pages) });
    const { received } = gateway.standIns.booking;
    const token = await createToken();
    // The client reads nothing after the headers.
    const client = httpRequest(`${gateway.url}/events/${EVENT_ID}/attendees.csv`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await new Promise<void>((resolve, reject) => {
      client.on('response', (response) => {
        response.pause();
        resolve();
      });
      client.on('error', reject);
      client.end();
    });
    let askedBefore = -1;
    await vi.waitFor(
      async () => {
        const asked = received.length;
        const isStill = asked === askedBefore;
        askedBefore = asked;
        expect(isStill).toBe(true);
      },
      { timeout: 20_000, interval: 1_000 },
    );
    const taken = received.length;
    expect(taken).toBeLessThan(pages / 2);
    client.on('error', () => undefined);
    client.destroy();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(received.length).toBeLessThanOrEqual(taken + 1);
  }, 30_000);

  it('are refused when too many are open, until clients have gone', async () => {
    gateway = await startTestGateway({ event: events(), booking: bookings(100_000) });
    const headers = { authorization: `Bearer ${await createToken()}` };
    const open = async () => {
      const gone = new AbortController();
      // Kept, because an unused body is closed when it is collected as garbage.
      const response = await download(EVENT_ID, { signal: gone.signal, headers });
      return { response, status: response.status, leave: () => gone.abort() };
    };
    const all = [];
    for (let count = 0; count < 20; count += 1) all.push(await open());
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await open()).status).toBe(503);
    for (const { leave } of all) leave();
    await vi.waitFor(async () => {
      const { status, leave } = await open();
      leave();
      expect(status).toBe(200);
    }, SOON);
  }, 30_000);

  it('end their query when the client goes while a page is being read', async () => {
    let isClosed = false;
    gateway = await startTestGateway({
      event: events(),
      booking(received, response) {
        if (received.variables.after === null) return bookings(5)(received, response);
        response.on('close', () => {
          isClosed = true;
        });
        return hang(received, response);
      },
    });
    const gone = new AbortController();
    const response = await download(EVENT_ID, {
      signal: gone.signal,
      headers: { authorization: `Bearer ${await createToken()}` },
    });
    await vi.waitFor(() => expect(gateway.standIns.booking.received).toHaveLength(2), SOON);
    gone.abort();
    await expect(response.text()).rejects.toThrow();
    await vi.waitFor(() => expect(isClosed).toBe(true), SOON);
  });
});
