import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readGatewayConfig } from '../config.ts';
import type { AdmittedSubscription, GatewayContext } from '../context.ts';
import { requiredEnv } from '../testing/credentials.ts';
import { readChange, TYPES } from './changes.ts';
import { createListeners } from './listeners.ts';
import { type Protocol, protocolOf } from './protocols.ts';
import type { EndReason, Frame, Stream } from './stream.ts';

const ADA = { userId: 'ada', role: 'USER' } as const;
const BOB = { userId: 'bob', role: 'USER' } as const;
const EVENT = 'event-1';
const sse = protocolOf('text/event-stream') as Protocol;

type Tap = { types: readonly string[]; onMessage(type: string, body: Uint8Array): void; onChange(): void };

/** Listeners with a broker that the test speaks for, and with a selection that shows who asked. */
function start(env: NodeJS.ProcessEnv = {}) {
  const taps = new Set<Tap>();
  let isConnected = true;
  const broker = {
    isConnected: () => isConnected,
    tap(tap: Tap) {
      taps.add(tap);
      tap.onChange();
      return () => void taps.delete(tap);
    },
  };
  const config = readGatewayConfig({ ...requiredEnv, LIVE_INTERVAL_MS: '20', ...env });
  const listeners = createListeners({ broker, config, formatError: (error) => error, metrics: new Registry() });
  stops.push(listeners.stop);
  let seats = 9;
  const answer = vi.fn(async ({ caller, authorization, change }: GatewayContext) => ({
    data: { caller: caller?.userId ?? null, authorization: authorization ?? null, seats, ...change },
  }));

  /** Adds a listener. Returns what it received. */
  async function add(given: Partial<AdmittedSubscription> = {}, caller: GatewayContext['caller'] = null) {
    const received: { data: Record<string, unknown>; extensions?: object }[] = [];
    let onEnd: (reason: EndReason) => void = () => undefined;
    const stream = {
      send: (frame: Frame) => received.push(JSON.parse(String(frame(sse)).split('data: ')[1] ?? '')),
      end: (reason: EndReason) => onEnd(reason),
      check: () => Number.POSITIVE_INFINITY,
    } as unknown as Stream;
    const subscription = { field: 'eventSeats', args: { eventId: EVENT }, key: 'a', isPublic: true, answer, ...given };
    const context = { caller, authorization: caller ? `token of ${caller.userId}` : undefined } as GatewayContext;
    await listeners.add(subscription, context, (leave) => {
      onEnd = leave;
      return stream;
    });
    return { received, leave: () => onEnd('client') };
  }
  return {
    add,
    answer,
    taps,
    listeners,
    setSeats: (value: number) => {
      seats = value;
    },
    publish(type: string, data: object) {
      for (const tap of taps) tap.onMessage(type, Buffer.from(JSON.stringify({ data })));
    },
    setConnected(value: boolean) {
      isConnected = value;
      for (const tap of taps) tap.onChange();
    },
  };
}
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
const confirmed = (change: object = {}) => ({ eventId: EVENT, bookingId: 'b', userId: 'ada', seatCount: 1, ...change });

describe('listeners', () => {
  it('of a public selection share one execution, which has nothing of their callers', async () => {
    const { add, answer, publish, setSeats } = start();
    const all = [await add({}, ADA), await add({}, BOB), await add()];
    await vi.waitFor(() => expect(all.map(({ received }) => received.length)).toEqual([1, 1, 1]));
    answer.mockClear();
    setSeats(8);
    publish('booking.confirmed.v1', confirmed());
    const shown = { data: { caller: null, authorization: null, seats: 8 } };
    await vi.waitFor(() => expect(all.map(({ received }) => received.at(-1))).toEqual([shown, shown, shown]));
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it('of other selections are answered as the caller, once for each', async () => {
    const { add, answer } = start();
    const own = { isPublic: false };
    const [one, same, other] = [await add(own, ADA), await add(own, ADA), await add(own, BOB)];
    await vi.waitFor(() =>
      expect(other.received).toMatchObject([{ data: { caller: 'bob', authorization: 'token of bob' } }]),
    );
    for (const { received } of [one, same]) {
      await vi.waitFor(() =>
        expect(received).toMatchObject([{ data: { caller: 'ada', authorization: 'token of ada' } }]),
      );
    }
    expect(answer.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it('hear only about their event, and about their own bookings', async () => {
    const { add, publish, setSeats, answer } = start();
    const event = await add();
    const bookings = await add({ field: 'myBookings', args: {}, isPublic: false }, BOB);
    await vi.waitFor(() => expect([event.received.length, bookings.received.length]).toEqual([1, 1]));
    expect(bookings.received[0]?.data).toMatchObject({ kind: 'REFRESH' });
    answer.mockClear();
    setSeats(7);
    publish('booking.confirmed.v1', confirmed({ eventId: 'another' }));
    publish('event.updated.v1', { eventId: 'another' });
    publish('booking.cancelled.v1', confirmed({ eventId: 'another', userId: 'bob' }));
    await vi.waitFor(() => expect(bookings.received.at(-1)?.data).toMatchObject({ kind: 'CANCELLED', bookingId: 'b' }));
    expect(answer).toHaveBeenCalledTimes(1);
    expect(event.received).toHaveLength(1);
  });

  it('have the facts of a changed event looked at again after the caches have settled', async () => {
    const { add, publish, setSeats } = start();
    const { received } = await add();
    await vi.waitFor(() => expect(received).toHaveLength(1));
    publish('event.updated.v1', { eventId: EVENT });
    setTimeout(() => setSeats(3), 300);
    await vi.waitFor(() => expect(received.at(-1)?.data).toMatchObject({ seats: 3 }), { timeout: 4_000 });
  });

  it('are told that the broker is away, and get the present state when it is back', async () => {
    const { add, setConnected, setSeats } = start();
    const { received } = await add();
    await vi.waitFor(() => expect(received).toHaveLength(1));
    setConnected(false);
    await vi.waitFor(() => expect(received.at(-1)).toMatchObject({ data: { seats: 9 }, extensions: { paused: true } }));
    setSeats(2);
    setConnected(true);
    await vi.waitFor(() => expect(received.at(-1)).toEqual({ data: { caller: null, authorization: null, seats: 2 } }));
  });

  it('cost nothing when there are none: the gateway receives no messages', async () => {
    const { add, taps } = start();
    expect(taps.size).toBe(0);
    const [one, two] = [await add(), await add()];
    expect([...taps].map(({ types }) => types)).toEqual([TYPES]);
    one.leave();
    expect(taps.size).toBe(1);
    two.leave();
    expect(taps.size).toBe(0);
    await add();
    expect(taps.size).toBe(1);
  });

  it('get fewer answers when there are many of them', async () => {
    const { add, publish, answer } = start({ LIVE_UPDATES_PER_SECOND_MAX: '1' });
    const all = [await add(), await add()];
    await vi.waitFor(() => expect(all.map(({ received }) => received.length)).toEqual([1, 1]));
    const answeredAtMs: number[] = [];
    answer.mockImplementation(async () => {
      answeredAtMs.push(performance.now());
      return { data: { caller: null, authorization: null, seats: answeredAtMs.length } };
    });
    for (const count of [1, 2]) {
      publish('booking.confirmed.v1', confirmed());
      await vi.waitFor(() => expect(answeredAtMs).toHaveLength(count), { timeout: 4_000 });
    }
    // Two listeners at one update a second.
    const [firstMs = 0, secondMs = 0] = answeredAtMs;
    expect(secondMs - firstMs).toBeGreaterThanOrEqual(2_000);
  });

  it('that come while the process stops are ended at once', async () => {
    const { add, listeners, taps } = start();
    await add();
    listeners.endAll('stopping');
    await add();
    expect(taps.size).toBe(0);
  });
});

describe('a message', () => {
  const read = (type: string, text: string) => readChange(type, Buffer.from(text));

  it('of the booking subgraph names the event, the booking and its user', () =>
    expect(read('booking.confirmed.v1', JSON.stringify({ data: confirmed() }))).toEqual({
      eventId: EVENT,
      booking: { kind: 'CONFIRMED', bookingId: 'b', userId: 'ada' },
    }));

  it.each(['hold.created.v1', 'hold.confirmed.v1', 'hold.released.v1', 'hold.expired.v1'])(
    '%s changes the seats of its event, and no booking',
    (type) => {
      expect(TYPES).toContain(type);
      const data = { holdId: 'h', eventId: EVENT, userId: 'ada', seatCount: 2, expiresAt: '2030-01-01T00:00:00.000Z' };
      expect(read(type, JSON.stringify({ data }))).toEqual({ eventId: EVENT });
    },
  );

  it.each(['', '[]', '{"data":null}', '{"data":{"eventId":7}}', 'null'])('%j is ignored', (text) =>
    expect(read('booking.confirmed.v1', text)).toBeUndefined(),
  );
});
