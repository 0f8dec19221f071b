import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NO_ANSWER, NOT_SENT, OperationError } from './answers.ts';
import { createClient } from './client.ts';
import { CancelBookingDocument, CreateBookingDocument, EventPageDocument, MeDocument } from './generated/graphql.ts';
import { createBrowserStore, createMemoryStore, type Session } from './sessions.ts';

const HOUR_MS = 3_600_000;

interface Sent {
  readonly operation: string;
  readonly variables: { input?: { idempotencyKey?: string }; refreshToken?: string };
  readonly token: string | null;
}

/** An answer of the fake server, or an error that it throws. It never answers with 'hangs'. */
type Reply = object | Error | 'hangs' | ((sent: Sent) => object);

/** A fetch that gives the replies in order, and the last one again and again. */
function fakeServer(...replies: Reply[]) {
  const sent: Sent[] = [];
  const fetch = (async (_url: string, { body, headers, signal }: RequestInit) => {
    const { query, variables } = JSON.parse(String(body));
    const token = new Headers(headers).get('authorization');
    sent.push({ operation: /^\w+ (\w+)/.exec(query)?.[1] ?? '', variables, token });
    const reply = replies[Math.min(sent.length, replies.length) - 1] as Reply;
    if (reply === 'hangs') await new Promise((_, fail) => signal?.addEventListener('abort', () => fail(signal.reason)));
    if (reply instanceof Error) throw reply;
    const answer = typeof reply === 'function' ? reply(sent.at(-1) as Sent) : reply;
    return answer instanceof Response ? answer : Response.json(answer);
  }) as typeof globalThis.fetch;
  return { fetch, sent };
}

const clientOf = (fetch: typeof globalThis.fetch, options: Partial<Parameters<typeof createClient>[0]> = {}) =>
  createClient({ url: 'http://gateway/graphql', fetch, backoffMs: 0, ...options });

const sessionOf = (name: string, lastsMs = HOUR_MS): Session => ({
  accessToken: `access-${name}`,
  refreshToken: `refresh-${name}`,
  expiresAt: new Date(Date.now() + lastsMs).toISOString(),
  user: { id: '1', name: 'Ada', email: null, role: 'USER' },
});

const failed = (code: string, path: string, retryAfter?: number) => ({
  data: null,
  errors: [{ message: code, path: [path], extensions: { code, retryAfter } }],
});
const UNAVAILABLE = failed('SERVICE_UNAVAILABLE', 'createBooking');
const BOOKED = { data: { createBooking: { __typename: 'CreateBookingPayload', replayed: false } } };
const ME = { data: { me: { id: '1', name: 'Ada' } } };
const LOST = new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
const REFUSED = new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });

const refreshed = (session: Session | null) => ({
  data: { refreshSession: { __typename: session ? 'Session' : 'InvalidCredentialsError', ...session } },
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a line', () => {
  const queued = (place: string, position: number, inMs: number) => {
    const comeBackAt = new Date(Date.now() + inMs).toISOString();
    return { data: { createBooking: { __typename: 'QueuedError', code: 'QUEUED', place, position, comeBackAt } } };
  };

  it('is waited in with onQueued: each call has the key and the latest place, at the time that the server said', async () => {
    vi.useFakeTimers();
    const { fetch, sent } = fakeServer(queued('first', 20, 5_000), () => queued('second', 3, -600_000), BOOKED);
    const positions: number[] = [];
    const booking = clientOf(fetch).book({ eventId: 'e' }, { onQueued: ({ position }) => positions.push(position) });
    await vi.advanceTimersByTimeAsync(4_900);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent).toHaveLength(2);
    // Its clock is wrong, so it waits for the shortest time that servers ask for.
    await vi.advanceTimersByTimeAsync(800);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(await booking).toMatchObject({ replayed: false });
    expect(positions).toEqual([20, 3]);
    const inputs = sent.map(({ variables }) => variables.input as { idempotencyKey: string; place?: string });
    expect(inputs.map(({ place }) => place)).toEqual([undefined, 'first', 'second']);
    expect(new Set(inputs.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it('can be left, and is the result without onQueued', async () => {
    const { fetch } = fakeServer(queued('first', 20, 5_000));
    expect(await clientOf(fetch).book({ eventId: 'e' })).toMatchObject({ code: 'QUEUED', position: 20 });
    const leaving = new AbortController();
    const onQueued = () => leaving.abort(new Error('left'));
    await expect(clientOf(fetch).book({ eventId: 'e' }, { onQueued, signal: leaving.signal })).rejects.toThrow('left');
  });
});

describe('retries', () => {
  it.each([
    ['SERVICE_UNAVAILABLE', UNAVAILABLE],
    ['a lost connection', LOST],
    ['an answer of a proxy without a server', new Response('<html>', { status: 502 })],
  ])('repeat a booking with its key after %s', async (_what, reply) => {
    const { fetch, sent } = fakeServer(reply, BOOKED);
    expect(await clientOf(fetch).book({ eventId: 'e' })).toMatchObject({ replayed: false });
    const keys = sent.map(({ variables }) => variables.input?.idempotencyKey);
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it('make a new key for each booking, and keep the key of the caller', async () => {
    const { fetch, sent } = fakeServer(BOOKED);
    const client = clientOf(fetch);
    await client.book({ eventId: 'e' });
    await client.book({ eventId: 'e' });
    await client.book({ eventId: 'e', idempotencyKey: 'kept-over-reloads' });
    const keys = sent.map(({ variables }) => variables.input?.idempotencyKey);
    expect(new Set(keys).size).toBe(3);
    expect(keys[2]).toBe('kept-over-reloads');
  });

  it('do not repeat a mutation without a key, and report that its outcome is unknown', async () => {
    for (const [reply, code] of [
      [failed('SERVICE_UNAVAILABLE', 'cancelBooking'), 'SERVICE_UNAVAILABLE'],
      [LOST, NO_ANSWER],
    ] as const) {
      const { fetch, sent } = fakeServer(reply);
      const cancelling = clientOf(fetch).request(CancelBookingDocument, { input: { id: 'b' } });
      await expect(cancelling).rejects.toMatchObject({ code, isOutcomeUnknown: true });
      expect(sent).toHaveLength(1);
    }
  });

  it('repeat a mutation without a key when nothing was sent', async () => {
    const { fetch, sent } = fakeServer(REFUSED, { data: { cancelBooking: { __typename: 'CancelBookingPayload' } } });
    await clientOf(fetch).request(CancelBookingDocument, { input: { id: 'b' } });
    expect(sent).toHaveLength(2);

    vi.stubGlobal('navigator', { onLine: false });
    const offline = fakeServer(new TypeError('Failed to fetch'));
    const cancelling = clientOf(offline.fetch).request(CancelBookingDocument, { input: { id: 'b' } });
    await expect(cancelling).rejects.toMatchObject({ code: NOT_SENT, isOutcomeUnknown: false });
    expect(offline.sent).toHaveLength(5);
  });

  it('end after a limited number of attempts', async () => {
    const { fetch, sent } = fakeServer(UNAVAILABLE);
    const retries: string[] = [];
    const client = clientOf(fetch, { attemptsMax: 3, onRetry: (code) => retries.push(code) });
    await expect(client.book({ eventId: 'e' })).rejects.toBeInstanceOf(OperationError);
    expect(sent).toHaveLength(3);
    expect(retries).toEqual(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
  });

  it('wait as long as the server asks, by a field or a header, and not when that is too long', async () => {
    vi.useFakeTimers();
    for (const reply of [
      failed('SERVICE_UNAVAILABLE', 'createBooking', 7),
      new Response('', { status: 503, headers: { 'retry-after': '7' } }),
    ]) {
      const { fetch, sent } = fakeServer(reply, BOOKED);
      const booking = clientOf(fetch).book({ eventId: 'e' });
      await vi.advanceTimersByTimeAsync(6_999);
      expect(sent).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(await booking).toMatchObject({ replayed: false });
    }
    const { fetch, sent } = fakeServer(failed('SERVICE_UNAVAILABLE', 'createBooking', 3_600));
    await expect(clientOf(fetch).book({ eventId: 'e' })).rejects.toMatchObject({ retryAfterS: 3_600 });
    expect(sent).toHaveLength(1);
  });

  it('wait at random up to a time that doubles', async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { fetch, sent } = fakeServer(UNAVAILABLE);
    const booking = clientOf(fetch, { backoffMs: 100 }).book({ eventId: 'e' });
    booking.catch(() => undefined);
    for (const [waitMs, attempts] of [
      [99, 1],
      [1, 2],
      [199, 2],
      [1, 3],
      [399, 3],
      [1, 4],
    ] as const) {
      await vi.advanceTimersByTimeAsync(waitMs);
      expect(sent).toHaveLength(attempts);
    }
    vi.restoreAllMocks();
  });

  it('repeat an attempt without an answer when its time is over', async () => {
    const { fetch, sent } = fakeServer('hangs', BOOKED);
    expect(await clientOf(fetch, { timeoutMs: 20 }).book({ eventId: 'e' })).toMatchObject({ replayed: false });
    expect(sent).toHaveLength(2);
  });

  it('end when the caller aborts, during an attempt and during a wait', async () => {
    for (const reply of ['hangs', failed('SERVICE_UNAVAILABLE', 'createBooking', 30)] as const) {
      const controller = new AbortController();
      const { fetch, sent } = fakeServer(reply);
      const booking = clientOf(fetch).book({ eventId: 'e' }, { signal: controller.signal });
      await vi.waitFor(() => expect(sent).toHaveLength(1));
      controller.abort(new Error('closed'));
      await expect(booking).rejects.toThrow('closed');
      expect(sent).toHaveLength(1);
    }
  });

  it('do not repeat other errors, refusals, or a success with a missing nested field', async () => {
    const nested = {
      ...BOOKED,
      errors: [{ message: '', path: ['createBooking', 'booking', 'event'], extensions: {} }],
    };
    const soldOut = { data: { createBooking: { __typename: 'SoldOutError', availableSeats: 0 } } };
    for (const reply of [soldOut, nested]) {
      const { fetch, sent } = fakeServer(reply);
      expect(await clientOf(fetch).book({ eventId: 'e' })).toEqual(reply.data.createBooking);
      expect(sent).toHaveLength(1);
    }
    const { fetch, sent } = fakeServer(failed('RATE_LIMITED', 'createBooking', 2));
    await expect(clientOf(fetch).book({ eventId: 'e' })).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterS: 2,
      isOutcomeUnknown: false,
    });
    expect(sent).toHaveLength(1);
    const page = fakeServer(new Response('<html>', { status: 404 }));
    await expect(clientOf(page.fetch).request(EventPageDocument, { id: 'e' })).rejects.toMatchObject({
      code: 'BAD_ANSWER',
      isOutcomeUnknown: false,
    });
  });

  it('return data and errors from execute', async () => {
    const answer = { data: { me: { name: 'Ada' } }, errors: [{ message: 'gone', path: ['me', 'email'] }] };
    expect(await clientOf(fakeServer(answer).fetch).execute(MeDocument)).toEqual(answer);
  });
});

describe('the session', () => {
  it('is kept after a sign-up or a sign-in, sent with each operation and forgotten by a sign-out', async () => {
    const session = { __typename: 'Session', ...sessionOf('a') };
    const wrong = { __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS' };
    const { fetch, sent } = fakeServer(
      { data: { signIn: wrong } },
      { data: { signIn: session } },
      ME,
      { data: { signOut: true } },
      ME,
    );
    const client = clientOf(fetch);
    const input = { email: 'ada@example.com', password: 'correct horse battery' };
    expect(await client.signIn(input)).toEqual(wrong);
    expect(await client.session()).toBeNull();
    expect(await client.signIn(input)).toEqual(session);
    await client.request(MeDocument);
    await client.signOut();
    await client.request(MeDocument);
    expect(sent.map(({ operation, token }) => [operation, token])).toEqual([
      ['SignIn', null],
      ['SignIn', null],
      ['Me', 'Bearer access-a'],
      ['SignOut', null],
      ['Me', null],
    ]);
    expect(sent[3]?.variables).toEqual({ refreshToken: 'refresh-a' });
  });

  it('is refreshed once for concurrent operations when the token is about to expire', async () => {
    const store = createMemoryStore(sessionOf('old', 5_000));
    const { fetch, sent } = fakeServer(refreshed(sessionOf('new')), ME);
    const client = clientOf(fetch, { store });
    await Promise.all(Array.from({ length: 5 }, () => client.request(MeDocument)));
    expect(sent.map(({ operation }) => operation)).toEqual(['Refresh', 'Me', 'Me', 'Me', 'Me', 'Me']);
    expect(new Set(sent.slice(1).map(({ token }) => token))).toEqual(new Set(['Bearer access-new']));
    expect(await store.load()).toMatchObject({ refreshToken: 'refresh-new' });
    expect(await client.accessToken()).toBe('access-new');
  });

  it('is refreshed once when the server refuses the token, and each operation is sent again', async () => {
    const store = createMemoryStore(sessionOf('old'));
    const reply = ({ operation, token, variables }: Sent) => {
      if (operation === 'Refresh') return refreshed(sessionOf('new'));
      if (token === 'Bearer access-old') return failed('UNAUTHENTICATED', 'me');
      return variables.input === undefined ? ME : { data: { cancelBooking: { __typename: 'CancelBookingPayload' } } };
    };
    const { fetch, sent } = fakeServer(reply);
    const client = clientOf(fetch, { store });
    await Promise.all([
      client.request(MeDocument),
      client.request(CancelBookingDocument, { input: { id: 'b' } }),
      client.request(MeDocument),
    ]);
    expect(sent.filter(({ operation }) => operation === 'Refresh')).toHaveLength(1);
    expect(sent).toHaveLength(7);
  });

  it('ends when the server does not accept the refresh token', async () => {
    const store = createMemoryStore(sessionOf('old'));
    const unauthenticated = failed('UNAUTHENTICATED', 'me');
    const { fetch, sent } = fakeServer(unauthenticated, refreshed(null), unauthenticated);
    const client = clientOf(fetch, { store });
    await expect(client.request(MeDocument)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(sent).toHaveLength(2);
    expect(await client.session()).toBeNull();
  });

  it('survives a refresh without an answer, which is not repeated', async () => {
    const store = createMemoryStore(sessionOf('old', 0));
    const { fetch, sent } = fakeServer(LOST, refreshed(sessionOf('new')), ME);
    const client = clientOf(fetch, { store });
    await expect(client.request(MeDocument)).rejects.toMatchObject({ code: NO_ANSWER });
    expect(sent).toHaveLength(1);
    expect(await client.session()).toMatchObject({ refreshToken: 'refresh-old' });
    expect(await client.request(MeDocument)).toEqual(ME.data);
  });

  it('is not refreshed when another program has done it, or opened again after a sign-out', async () => {
    const store = createMemoryStore(sessionOf('old'));
    const { fetch, sent } = fakeServer(() => {
      store.save(sessionOf('of-another-tab'));
      return failed('UNAUTHENTICATED', 'me');
    }, ME);
    await clientOf(fetch, { store }).request(MeDocument);
    expect(sent.map(({ token }) => token)).toEqual(['Bearer access-old', 'Bearer access-of-another-tab']);

    const left = createMemoryStore(sessionOf('old', 0));
    const signedOut = fakeServer(() => {
      left.save(null);
      return refreshed(sessionOf('new'));
    }, ME);
    await clientOf(signedOut.fetch, { store: left }).request(MeDocument);
    expect(await left.load()).toBeNull();
  });

  it('is not refreshed for each operation on a machine with a wrong clock', async () => {
    const store = createMemoryStore(sessionOf('old', -HOUR_MS));
    const { fetch, sent } = fakeServer(refreshed(sessionOf('new', -HOUR_MS)), ME);
    const client = clientOf(fetch, { store });
    for (let index = 0; index < 3; index += 1) await client.request(MeDocument);
    expect(sent.map(({ operation }) => operation)).toEqual(['Refresh', 'Me', 'Me', 'Me']);
  });

  it('is shared by the tabs of a browser, of which one refreshes it at a time', async () => {
    const items = new Map([['event-booking-session', JSON.stringify(sessionOf('old', 0))]]);
    vi.stubGlobal('localStorage', {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, value: string) => items.set(name, value),
      removeItem: (name: string) => items.delete(name),
    });
    let last: Promise<unknown> = Promise.resolve();
    const request = <Result>(_name: string, work: () => Promise<Result>) => {
      const result = last.then(work);
      last = result;
      return result;
    };
    vi.stubGlobal('navigator', { locks: { request } });
    const { fetch, sent } = fakeServer(refreshed(sessionOf('new')), ME);
    const tabs = [1, 2, 3].map(() => clientOf(fetch, { store: createBrowserStore() }));
    await Promise.all(tabs.map((tab) => tab.request(MeDocument)));
    expect(sent.map(({ operation }) => operation)).toEqual(['Refresh', 'Me', 'Me', 'Me']);
    createBrowserStore().save(null);
    expect(await tabs[0]?.session()).toBeNull();
  });
});

it('tells a server that is not there from one that hangs up, with the fetch of Node', async () => {
  let received = 0;
  const server = createServer((request) => {
    received += 1;
    request.socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, backoffMs: 0 });
  const cancel = () => client.request(CancelBookingDocument, { input: { id: 'b' } });
  await expect(cancel()).rejects.toMatchObject({ code: NO_ANSWER, isOutcomeUnknown: true });
  expect(received).toBe(1);
  server.close();
  await once(server, 'close');
  await expect(cancel()).rejects.toMatchObject({ code: NOT_SENT, isOutcomeUnknown: false });
});

it('types the variables and the data of documents', async () => {
  const client = clientOf(fakeServer(BOOKED).fetch);
  const input = { eventId: 'e', seatCount: 1, idempotencyKey: 'a-key-of-8' };
  const { createBooking } = await client.request(CreateBookingDocument, { input });
  if (createBooking.__typename === 'SoldOutError') expect(createBooking.availableSeats).toBeTypeOf('number');
  // @ts-expect-error a booking needs an event
  await client.request(CreateBookingDocument, { input: { seatCount: 1, idempotencyKey: 'a-key-of-8' } });
  // @ts-expect-error variables are missing
  await client.request(CreateBookingDocument);
});
