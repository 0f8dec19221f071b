import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import { type Consumer, createConsumer } from '#platform/messaging/consumer.ts';
import { parseDeadLetter } from '#platform/messaging/dead-letter.ts';
import { serializeMessage } from '#platform/messaging/message.ts';
import { createTestBroker, quiet } from '#platform/testing/messaging.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { bookingStream } from '../../booking/messaging/contract.ts';
import { eventStream } from '../../event/messaging/contract.ts';
import { userStream } from '../../user/messaging/contract.ts';
import { redriveDeadLetter } from '../commands/redrive-dead-letter.ts';
import { connectDatabase, createNotificationDatabase } from '../testing.ts';
import { bookingHandlers, deadLetterHandlers, eventHandlers, userHandlers } from './handlers.ts';

const SOON = { timeout: 10_000, interval: 20 };

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;
let broker: ReturnType<typeof createTestBroker>;
let consumers: Consumer[];

beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.empty();
  broker = createTestBroker();
  consumers = [];
  for (const stream of [userStream, eventStream, bookingStream, deadLetterStream]) await broker.ensureStream(stream);
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  await broker.close();
});

type ConsumerOptions = Parameters<typeof createConsumer>[0];

function consume(options: Pick<ConsumerOptions, 'name' | 'stream' | 'handlers'> & Partial<ConsumerOptions>): Consumer {
  const consumer = createConsumer({
    database: fixture.sql,
    broker,
    retryDelaysMs: [10, 10],
    ...quiet(),
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

const consumeBookings = (options: Partial<ConsumerOptions> = {}) =>
  consume({
    name: 'notification-bookings',
    stream: bookingStream,
    handlers: bookingHandlers({ channel: 'LOG', newId }),
    ...options,
  });

const consumeDeadLetters = () =>
  consume({
    name: 'notification-dead-letters',
    stream: deadLetterStream,
    handlers: deadLetterHandlers({ newId }),
    parse: parseDeadLetter,
  });

async function publish(type: string, body: string | Uint8Array): Promise<void> {
  const { client } = await broker.jetStream();
  await client.publish(broker.subject(type), body);
}

const body = (type: string, data: unknown, id = newId()) =>
  serializeMessage('test', { id, type, subject: 'test', time: new Date(), correlationId: 'test', data });

const newBooking = () => ({ bookingId: newId(), eventId: newId(), userId: newId(), seatCount: 2 });

/** Shuffles the items in the same way in every run. */
const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item, index) => ({ item, order: (index * 7_919 + 13) % items.length }))
    .sort((one, other) => one.order - other.order)
    .map(({ item }) => item);

const listNotifications = () =>
  fixture.database.notification.findMany({
    select: { bookingId: true, kind: true },
    orderBy: [{ bookingId: 'asc' }, { kind: 'asc' }],
  });

const listDeadLetters = () => fixture.database.deadLetter.findMany({ orderBy: { id: 'asc' } });

test('messages that arrive five times in any order create one notification of each kind', async () => {
  const bookings = Array.from({ length: 20 }, newBooking);
  const messages = bookings.flatMap((data) =>
    ['booking.confirmed.v1', 'booking.cancelled.v1'].map((type) => ({ type, data })),
  );
  const bodies = messages.map(({ type, data }) => ({ type, text: body(type, data) }));
  for (const { type, text } of shuffled(Array.from({ length: 5 }, () => bodies).flat())) await publish(type, text);
  const replicas = [consumeBookings(), consumeBookings()];
  await vi.waitFor(async () => expect(await listNotifications()).toHaveLength(40), SOON);
  await Promise.all(replicas.map((replica) => replica.stop()));
  const expected = bookings.flatMap(({ bookingId }) =>
    ['BOOKING_CANCELLED', 'BOOKING_CONFIRMED'].map((kind) => ({ bookingId, kind })),
  );
  expect(await listNotifications()).toEqual(expected.sort((one, other) => (one.bookingId < other.bookingId ? -1 : 1)));
});

test('an offer to a waiting list creates a notification with its hold and its end, next to that of the booking', async () => {
  const { bookingId: holdId, ...facts } = newBooking();
  const expiresAt = '2030-06-01T19:30:00.250Z';
  const offer = body('waitlist.offered.v1', { holdId, entryId: newId(), ...facts, expiresAt });
  for (const _time of [1, 2]) await publish('waitlist.offered.v1', offer);
  await publish('booking.confirmed.v1', body('booking.confirmed.v1', { bookingId: holdId, ...facts }));
  consumeBookings();
  await vi.waitFor(async () => expect(await listNotifications()).toHaveLength(2), SOON);
  const rows = await fixture.database.notification.findMany({ orderBy: { kind: 'asc' } });
  expect(rows).toMatchObject([
    { bookingId: holdId, kind: 'BOOKING_CONFIRMED', expiresAt: null },
    { bookingId: holdId, kind: 'WAITLIST_OFFERED', expiresAt: new Date(expiresAt), requestId: 'test', ...facts },
  ]);
});

test('two messages with different ids about the same booking and kind create one notification', async () => {
  const data = newBooking();
  const other = newBooking();
  await publish('booking.confirmed.v1', body('booking.confirmed.v1', data));
  await publish('booking.confirmed.v1', body('booking.confirmed.v1', { ...data, seatCount: 9 }));
  await publish('booking.confirmed.v1', body('booking.confirmed.v1', other));
  consumeBookings();
  await vi.waitFor(async () => expect(await fixture.database.inboxMessage.count()).toBe(3), SOON);
  expect(await listNotifications()).toHaveLength(2);
  const kept = await fixture.database.notification.findFirst({ where: { bookingId: data.bookingId } });
  expect(kept).toMatchObject({ ...data, kind: 'BOOKING_CONFIRMED', channel: 'LOG', status: 'PENDING', attempts: 0 });
});

test('the event facts with the highest version are kept, regardless of the order of the messages', async () => {
  const [eventId, organizerId] = [newId(), newId()];
  const facts = (version: number) => ({
    eventId,
    name: `Concert 🎫 ${version}`,
    venue: version % 2 ? null : 'Hall',
    startsAt: `2030-01-01T00:00:00.00${version}Z`,
    status: version === 4 ? 'CANCELLED' : 'SCHEDULED',
    organizerId,
    initialSeats: 10,
    version,
    // A publisher of an older release does not send it.
    ...(version !== 4 && { timeZone: 'Europe/Berlin' }),
  });
  const types = {
    1: 'event.created.v1',
    2: 'event.updated.v1',
    3: 'event.updated.v1',
    4: 'event.cancelled.v1',
  } as const;
  const send = (version: 1 | 2 | 3 | 4) => publish(types[version], body(types[version], facts(version)));
  consume({ name: 'notification-events', stream: eventStream, handlers: eventHandlers({ newId }) });
  await send(4);
  await vi.waitFor(async () => expect(await fixture.database.inboxMessage.count()).toBe(1), SOON);
  for (const version of [3, 1, 2] as const) await send(version);
  await vi.waitFor(async () => expect(await fixture.database.inboxMessage.count()).toBe(4), SOON);
  const kept = { name: 'Concert 🎫 4', venue: 'Hall', startsAt: new Date('2030-01-01T00:00:00.004Z') };
  expect(await fixture.database.eventFact.findMany()).toEqual([
    { eventId, ...kept, version: 4, organizerId, status: 'CANCELLED', timeZone: null },
  ]);
  // The same version again, from a publisher that knows the time zone.
  await publish(types[4], body(types[4], { ...facts(4), timeZone: 'Asia/Tokyo' }));
  await vi.waitFor(async () => expect(await fixture.database.inboxMessage.count()).toBe(5), SOON);
  expect(await fixture.database.eventFact.findMany()).toMatchObject([{ eventId, timeZone: 'Asia/Tokyo' }]);
});

test('a registered user becomes a contact', async () => {
  const contact = { userId: newId(), name: 'Zoë', email: 'zoe@example.com' };
  await publish('user.registered.v1', body('user.registered.v1', contact));
  await publish('user.registered.v1', body('user.registered.v1', contact));
  consume({ name: 'notification-users', stream: userStream, handlers: userHandlers });
  await vi.waitFor(async () => expect(await fixture.database.inboxMessage.count()).toBe(2), SOON);
  expect(await fixture.database.contact.findMany()).toEqual([contact]);
});

test('no message becomes a dead letter while the database is unavailable', async () => {
  const proxy = await createProxy(fixture.url);
  const { pool, sql } = connectDatabase(proxy.url);
  // If a connection is cut during its setup, the driver rejects a promise that no code can handle.
  const settle = () => vi.waitFor(() => expect(pool.idleConnections()).toBe(pool.totalConnections()), SOON);
  try {
    const consumer = consumeBookings({ database: sql, retryDelaysMs: [] });
    await publish('booking.confirmed.v1', body('booking.confirmed.v1', newBooking()));
    await vi.waitFor(async () => expect(await listNotifications()).toHaveLength(1), SOON);
    await settle();
    proxy.cut();
    for (let count = 0; count < 20; count += 1) {
      await publish('booking.confirmed.v1', body('booking.confirmed.v1', newBooking()));
    }
    await vi.waitFor(() => expect(consumer.isHealthy()).toBe(false), SOON);
    proxy.restore();
    await vi.waitFor(async () => expect(await listNotifications()).toHaveLength(21), SOON);
    await consumer.stop();
    const { manager } = await broker.jetStream();
    expect((await manager.streams.info(broker.resourceName(deadLetterStream.name))).state.messages).toBe(0);
  } finally {
    await settle();
    await pool.end();
    proxy.close();
  }
});

test('a message that a consumer gives up on is stored unchanged, with subject, reason and deliveries', async () => {
  const notText = Uint8Array.of(0xff, 0x00, 0xfe, 0x27, 0x5c);
  const large = new Uint8Array(2 ** 20).fill(0x27);
  const future = new TextEncoder().encode(body('booking.confirmed.v2', newBooking()));
  const data = newBooking();
  await publish('booking.confirmed.v1', notText);
  for (let count = 0; count < 20; count += 1) await publish('booking.cancelled.v1', large);
  await publish('booking.confirmed.v2', future);
  await publish('booking.confirmed.v1', body('booking.confirmed.v1', data));
  consumeBookings();
  await vi.waitFor(async () => expect(await listNotifications()).toHaveLength(1), SOON);
  consumeDeadLetters();
  await vi.waitFor(async () => expect(await fixture.database.deadLetter.count()).toBe(22), SOON);

  const letters = await listDeadLetters();
  const kept = { consumer: 'notification-bookings', deliveries: 3, redrivenAt: null };
  const find = (payload: Uint8Array) => letters.filter((letter) => Buffer.compare(letter.payload, payload) === 0);
  const notJson = { ...kept, reason: 'the body is not JSON' };
  expect(find(notText)).toMatchObject([{ ...notJson, subject: 'booking.confirmed.v1' }]);
  expect(find(large)).toHaveLength(20);
  expect(find(large)[0]).toMatchObject({ ...notJson, subject: 'booking.cancelled.v1' });
  expect(find(future)).toMatchObject([
    { ...kept, subject: 'booking.confirmed.v2', reason: 'no handler for booking.confirmed.v2' },
  ]);
});

test('a dead letter that is delivered or published twice is stored once', async () => {
  await publish('booking.confirmed.v1', 'poison');
  const consumer = consumeBookings();
  const { client, manager } = await broker.jetStream();
  const stream = broker.resourceName(deadLetterStream.name);
  await vi.waitFor(async () => expect((await manager.streams.info(stream)).state.messages).toBe(1), SOON);
  await consumer.stop();
  const { header, data, subject } = await manager.streams.getMessage(stream, { seq: 1 });
  // A new stream has no duplicate window for the old ids.
  await manager.streams.delete(stream);
  await broker.ensureStream(deadLetterStream);
  await client.publish(subject, data, { headers: header });
  consumeDeadLetters();
  await vi.waitFor(async () => expect(await fixture.database.deadLetter.count()).toBe(1), SOON);

  await manager.streams.delete(stream);
  await vi.waitFor(() => broker.ensureStream(deadLetterStream), SOON);
  await client.publish(subject, data, { headers: header });
  const durable = broker.resourceName('notification-dead-letters');
  await vi.waitFor(async () => {
    expect(await manager.consumers.info(stream, durable)).toMatchObject({ ack_floor: { stream_seq: 1 } });
  }, SOON);
  expect(await fixture.database.deadLetter.count()).toBe(1);
});

test('a redriven message takes effect once its cause is fixed, and only once if it is redriven again', async () => {
  let cured = false;
  const { 'booking.confirmed.v1': confirmed, ...others } = bookingHandlers({ channel: 'LOG', newId });
  if (confirmed === undefined) throw new Error('no handler for booking.confirmed.v1');
  const sick: ConsumerOptions['handlers'] = {
    ...others,
    'booking.confirmed.v1': {
      ...confirmed,
      apply: async (transaction, messages) => {
        if (!cured) throw new Error('not yet');
        await confirmed.apply(transaction, messages);
      },
    },
  };
  const data = newBooking();
  await publish('booking.confirmed.v1', body('booking.confirmed.v1', data));
  consumeBookings({ handlers: sick });
  consumeDeadLetters();
  await vi.waitFor(async () => expect(await fixture.database.deadLetter.count()).toBe(1), SOON);
  const [letter] = await listDeadLetters();
  const redrive = () => redriveDeadLetter({ database: fixture.database, broker, newId }, letter?.id ?? '');

  expect(await redrive()).toMatchObject({ reason: 'not yet', redrivenAt: expect.any(Date) });
  await vi.waitFor(async () => expect(await fixture.database.deadLetter.count()).toBe(2), SOON);

  cured = true;
  for (let times = 0; times < 3; times += 1) await redrive();
  const { manager } = await broker.jetStream();
  await vi.waitFor(async () => {
    const info = await manager.consumers.info(
      broker.resourceName(bookingStream.name),
      broker.resourceName('notification-bookings'),
    );
    expect(info).toMatchObject({ ack_floor: { stream_seq: 5 }, num_pending: 0 });
  }, SOON);
  expect(await listNotifications()).toEqual([{ bookingId: data.bookingId, kind: 'BOOKING_CONFIRMED' }]);
  expect(await fixture.database.deadLetter.count()).toBe(2);
});
