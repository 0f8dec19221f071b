import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { book, type Client, confirmHold, createEvent, holdSeats, releaseHold, signUp } from './support/client.ts';
import { connectTo, expectAllNotified, expectNothingPending, expectSeatsAddUp } from './support/invariants.ts';
import { subscribe } from './support/stream-client.ts';
import { openStreams } from './support/streams.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const TTL_SECONDS = 3;
/** The promise is 2 s after the expiry. Extra time for a busy machine. */
const EXPIRED = { timeout: TTL_SECONDS * 1_000 + 20_000, interval: 50 };
const SEATS = 'query Seats($id: ID!) { event(id: $id) { totalSeats availableSeats heldSeats } }';
const HOLD = `query Hold($id: ID!) {
  hold(id: $id) { status seatCount event { id } user { id } endedAt expiresAt booking { id status } }
}`;

describe('holds, through the gateway', () => {
  let system: TestSystem;
  let olga: Client;
  let ada: Client;
  let bob: Client;

  beforeAll(async () => {
    system = await startTestSystem({ env: { HOLD_TTL_SECONDS: `${TTL_SECONDS}` } });
    [olga, ada, bob] = [
      await signUp(system.graphqlUrl),
      await signUp(system.graphqlUrl),
      await signUp(system.graphqlUrl),
    ];
  });
  afterAll(() => system?.stop());

  const seatsOf = async (id: string, client = olga) => (await client.send(SEATS, { id })).data.event;
  const read = async (id: string, client = ada) => (await client.send(HOLD, { id })).data.hold;

  it('a hold keeps its seats from others and becomes a booking, whose user is notified', async () => {
    const eventId = await createEvent(olga, { totalSeats: 5 });
    const key = { seatCount: 4, idempotencyKey: 'the-first-hold' };
    const held = await holdSeats(ada, eventId, key);
    expect(held).toMatchObject({
      replayed: false,
      hold: { status: 'HELD', seatCount: 4, booking: null, endedAt: null },
    });
    const { id } = held.hold;
    const { createdAt, expiresAt } = held.hold;
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(TTL_SECONDS * 1_000);
    expect(await holdSeats(ada, eventId, key)).toMatchObject({ replayed: true, hold: { id } });
    expect(await holdSeats(ada, eventId, { ...key, seatCount: 1 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await seatsOf(eventId)).toEqual({ totalSeats: 5, availableSeats: 1, heldSeats: 4 });
    expect(await seatsOf(eventId, ada)).toEqual({ totalSeats: 5, availableSeats: 1, heldSeats: null });
    expect(await book(bob, eventId, { seatCount: 2 })).toMatchObject({ code: 'SOLD_OUT' });
    expect(await holdSeats(bob, eventId, { seatCount: 2 })).toMatchObject({ code: 'SOLD_OUT', availableSeats: 1 });
    expect(await confirmHold(bob, id)).toMatchObject({ code: 'HOLD_NOT_FOUND' });

    const booking = { id, seatCount: 4, status: 'CONFIRMED', event: { availableSeats: 1 } };
    expect(await confirmHold(ada, id)).toMatchObject({ replayed: false, booking });
    expect(await confirmHold(ada, id)).toMatchObject({ replayed: true, booking });
    expect(await releaseHold(ada, id)).toMatchObject({ code: 'HOLD_CONFIRMED', bookingId: id });
    expect(await read(id)).toMatchObject({ status: 'CONFIRMED', booking: { id, status: 'CONFIRMED' } });
    expect(await seatsOf(eventId)).toEqual({ totalSeats: 5, availableSeats: 1, heldSeats: 0 });
    const mine = await ada.send('{ bookings { nodes { id } } me { holds { nodes { id } } } }');
    expect(mine.data).toMatchObject({ bookings: { nodes: [{ id }] }, me: { holds: { nodes: [{ id }] } } });
    const sent = async () =>
      (await ada.send('query ($id: ID!) { booking(id: $id) { notifications { kind } } }', { id })).data.booking;
    await vi.waitFor(
      async () => expect(await sent()).toEqual({ notifications: [{ kind: 'BOOKING_CONFIRMED' }] }),
      EXPIRED,
    );
  });

  it('seats are free again after a release and after the expiry, and listeners see it', async () => {
    const eventId = await createEvent(olga, { totalSeats: 5 });
    const stream = await subscribe(bob, 'subscription ($id: ID!) { eventSeats(eventId: $id) { availableSeats } }', {
      url: system.graphqlUrl,
      variables: { id: eventId },
    });
    const free = (availableSeats: number) => ({ data: { eventSeats: { availableSeats } } });
    try {
      await stream.latest(free(5));
      const first = (await holdSeats(ada, eventId, { seatCount: 3 })).hold;
      await stream.latest(free(2));
      expect(await releaseHold(ada, first.id)).toMatchObject({
        hold: { status: 'RELEASED', event: { availableSeats: 5 } },
      });
      await stream.latest(free(5));
      expect(await confirmHold(ada, first.id)).toMatchObject({ code: 'HOLD_RELEASED', endedAt: expect.any(String) });

      const second = (await holdSeats(ada, eventId, { seatCount: 5 })).hold;
      await stream.latest(free(0));
      await stream.latest(free(5));
      expect(await read(second.id)).toMatchObject({ status: 'EXPIRED', endedAt: second.expiresAt, booking: null });
      expect(await confirmHold(ada, second.id)).toEqual({
        __typename: 'HoldEndedError',
        code: 'HOLD_EXPIRED',
        endedAt: second.expiresAt,
      });
      expect(await releaseHold(ada, second.id)).toMatchObject({ hold: { status: 'EXPIRED' } });
    } finally {
      stream.close();
    }
  });

  it('the holds of a cancelled event are released', async () => {
    const eventId = await createEvent(olga, { totalSeats: 5 });
    const { id } = (await holdSeats(ada, eventId)).hold;
    await olga.send(`mutation ($id: ID!) { cancelEvent(input: { id: $id, expectedVersion: 1 }) { __typename } }`, {
      id: eventId,
    });
    await vi.waitFor(async () => expect((await read(id)).status).toMatch('RELEASED'), EXPIRED);
    expect(await seatsOf(eventId)).toEqual({ totalSeats: 5, availableSeats: 5, heldSeats: 0 });
  });

  it('another process gives the seats back when the one that held them was killed', async () => {
    const eventId = await createEvent(olga, { totalSeats: 5 });
    await system.startReplica('booking');
    const { id } = (await holdSeats(ada, eventId, { seatCount: 5 })).hold;
    system.kill(system.urls.booking);
    const database = await connectTo(system.databaseUrls.booking);
    await vi.waitFor(async () => {
      const [row] = await database.query('SELECT available_seats, held_seats FROM inventories WHERE event_id = ?', [
        eventId,
      ]);
      expect(row).toEqual({ available_seats: 5, held_seats: 0 });
    }, EXPIRED);
    const [ended] = await database.query('SELECT status FROM holds WHERE id = ?', [id]);
    expect(ended).toEqual({ status: 'EXPIRED' });
    await database.end();
    await system.restart('booking');
    expect(await book(bob, eventId, { seatCount: 5 })).toMatchObject({ booking: { status: 'CONFIRMED' } });
  });

  it('every change has one message, no consumer puts one into the dead letters, and all seats add up', async () => {
    await expectAllNotified(system);
    await expectNothingPending(system);
    const [database, streams] = [await connectTo(system.databaseUrls.booking), openStreams(system)];
    try {
      await expectSeatsAddUp(database);
      const holds = await database.query<{ id: string; status: string }[]>('SELECT id, status FROM holds');
      const messages = new Map((await streams.readAll('BOOKINGS')).map((message) => [message.messageId, message]));
      const published = [...messages.values()]
        .map(({ type, id }) => `${type} ${id}`)
        .filter((one) => one.startsWith('hold'));
      const due = holds.flatMap(({ id, status }) => [
        `hold.created.v1 ${id}`,
        ...(status === 'HELD' ? [] : [`hold.${status.toLowerCase()}.v1 ${id}`]),
      ]);
      expect(published.sort()).toEqual(due.sort());
    } finally {
      await Promise.all([database.end(), streams.close()]);
    }
  });
});
