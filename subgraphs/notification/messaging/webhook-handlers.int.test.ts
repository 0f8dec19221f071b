import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Consumer, createConsumer } from '#platform/messaging/consumer.ts';
import { serializeMessage } from '#platform/messaging/message.ts';
import { createTestBroker, quiet } from '#platform/testing/messaging.ts';
import { bookingStream } from '../../booking/messaging/contract.ts';
import { eventStream } from '../../event/messaging/contract.ts';
import { createMessageAssigner } from '../commands/message-assigner.ts';
import type { EventFactsClient } from '../event-facts-client.ts';
import { addWebhook, createNotificationDatabase } from '../testing.ts';
import { bookingHandlers, eventHandlers } from './handlers.ts';

const SOON = { timeout: 15_000, interval: 20 };
const STARTS_AT = '2030-06-01T19:30:00.000Z';

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;
let broker: ReturnType<typeof createTestBroker>;
let running: Pick<Consumer, 'stop'>[];

beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.empty();
  broker = createTestBroker();
  running = [];
  for (const stream of [eventStream, bookingStream]) await broker.ensureStream(stream);
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await broker.close();
});

const parts = () => ({ database: fixture.sql, broker, retryDelaysMs: [10, 10], ...quiet() });
function consumeEvents(): void {
  const name = 'notification-events';
  running.push(createConsumer({ ...parts(), name, stream: eventStream, handlers: eventHandlers({ newId }) }));
}
function consumeBookings(): void {
  const handlers = bookingHandlers({ channel: 'LOG', newId });
  running.push(createConsumer({ ...parts(), name: 'notification-bookings', stream: bookingStream, handlers }));
}
function assign(eventFacts: EventFactsClient = { fetch: async () => [] }): void {
  const { logger } = quiet();
  running.push(
    createMessageAssigner({ eventFacts, onAssigned: () => undefined, newId, database: fixture.sql, logger }),
  );
}

async function publish(type: string, data: unknown, { id = newId(), times = 1 } = {}): Promise<string> {
  const { client } = await broker.jetStream();
  const body = serializeMessage('test', {
    id,
    type,
    subject: 'x',
    time: new Date(0),
    correlationId: 'a-request',
    data,
  });
  for (let turn = 0; turn < times; turn += 1) await client.publish(broker.subject(type), body);
  return id;
}

const eventOf = (organizerId: string, eventId = newId()) => ({
  eventId,
  name: 'Chamber Music',
  venue: null,
  startsAt: STARTS_AT,
  status: 'SCHEDULED',
  organizerId,
  initialSeats: 100,
  version: 1,
  salesStartAt: null,
  salesEndAt: STARTS_AT,
  maxSeatsPerUser: 4,
  timeZone: 'Europe/Berlin',
  cancellationDeadline: STARTS_AT,
  cancellationReason: null,
});
const bookingOf = (eventId: string) => ({ bookingId: newId(), eventId, userId: newId(), seatCount: 2 });

const deliveries = async () => {
  const rows = await fixture.database.webhookDelivery.findMany({ orderBy: { webhookId: 'asc' } });
  return rows.map(({ webhookId, messageId, kind }) => ({ webhookId, messageId, kind }));
};
const waiting = () => fixture.database.unassignedMessage.count();
const received = (count: number) =>
  vi.waitFor(async () => expect(await fixture.database.inboxMessage.count()).toBe(count), SOON);

test('a message that arrives five times at two consumers makes one delivery for each endpoint of the organizer', async () => {
  const one = await addWebhook(fixture.database, {});
  const two = await addWebhook(fixture.database, { userId: one.userId });
  await addWebhook(fixture.database, {});
  const event = eventOf(one.userId);
  const booking = bookingOf(event.eventId);
  consumeEvents();
  consumeEvents();
  const created = await publish('event.created.v1', event, { times: 5 });
  await received(1);
  consumeBookings();
  consumeBookings();
  const booked = await publish('booking.confirmed.v1', booking, { times: 5 });
  await received(2);
  const expected = [one.id, two.id].toSorted().flatMap((webhookId) => [
    { webhookId, messageId: created, kind: 'EVENT_CREATED' },
    { webhookId, messageId: booked, kind: 'BOOKING_CONFIRMED' },
  ]);
  expect(await deliveries()).toHaveLength(4);
  expect(await deliveries()).toEqual(expect.arrayContaining(expected));

  const bodies = await fixture.database.webhookDelivery.findMany({
    where: { webhookId: one.id },
    orderBy: { kind: 'asc' },
  });
  expect(bodies.map(({ payload }) => JSON.parse(payload))).toEqual([
    { type: 'booking.confirmed', timestamp: '1970-01-01T00:00:00.000Z', data: booking },
    { type: 'event.created', timestamp: '1970-01-01T00:00:00.000Z', data: event },
  ]);
  expect(bodies.every(({ requestId }) => requestId === 'a-request')).toBe(true);
});

test('a booking that arrives before its event is delivered when the event arrives, once', async () => {
  const { id, userId } = await addWebhook(fixture.database, {});
  const event = eventOf(userId);
  consumeBookings();
  const booked = await publish('booking.confirmed.v1', bookingOf(event.eventId), { times: 3 });
  await received(1);
  assign();
  assign();
  expect(await waiting()).toBe(1);
  expect(await deliveries()).toEqual([]);
  consumeEvents();
  const created = await publish('event.created.v1', event);
  await vi.waitFor(async () => expect(await waiting()).toBe(0), SOON);
  expect(await deliveries()).toEqual(
    expect.arrayContaining([
      { webhookId: id, messageId: created, kind: 'EVENT_CREATED' },
      { webhookId: id, messageId: booked, kind: 'BOOKING_CONFIRMED' },
    ]),
  );
  expect(await deliveries()).toHaveLength(2);
});

test('for an event of a version before webhooks, the event subgraph is asked for the organizer', async () => {
  const { id, userId } = await addWebhook(fixture.database, {});
  const { eventId, name, venue } = eventOf(userId);
  const startsAt = new Date(STARTS_AT);
  await fixture.database.eventFact.create({
    data: { eventId, name: 'Chamber Music, renamed', venue, startsAt, version: 2 },
  });
  consumeBookings();
  const messageId = await publish('booking.cancelled.v1', bookingOf(eventId));
  await received(1);
  await fixture.database.unassignedMessage.updateMany({ data: { createdAt: new Date(0) } });
  const known = { eventId, name, venue, startsAt, timeZone: 'Europe/Berlin', version: 2 };
  const fetch = vi.fn(async () => [{ ...known, status: 'SCHEDULED' as const, organizerId: userId }]);
  assign({ fetch });
  await vi.waitFor(
    async () => expect(await deliveries()).toEqual([{ webhookId: id, messageId, kind: 'BOOKING_CANCELLED' }]),
    SOON,
  );
  expect(fetch).toHaveBeenCalledWith([eventId]);
  expect(await waiting()).toBe(0);
  // The same version: only the organizer and the time zone are new.
  expect(await fixture.database.eventFact.findFirst()).toMatchObject({
    name: 'Chamber Music, renamed',
    timeZone: 'Europe/Berlin',
    organizerId: userId,
  });
});

test('an organizer without endpoints gets no deliveries', async () => {
  const event = eventOf(newId());
  consumeEvents();
  await publish('event.created.v1', event);
  await received(1);
  consumeBookings();
  await publish('booking.confirmed.v1', bookingOf(event.eventId));
  await received(2);
  expect(await deliveries()).toEqual([]);
  expect(await waiting()).toBe(0);
});

test('the reason of a cancellation is in the messages about the booking and the event', async () => {
  const { userId } = await addWebhook(fixture.database, {});
  const event = { ...eventOf(userId), status: 'CANCELLED', cancellationReason: 'The pianist is ill.' };
  const booking = { ...bookingOf(event.eventId), cancellationReason: 'The pianist is ill.' };
  const silent = bookingOf(event.eventId);
  consumeEvents();
  await publish('event.cancelled.v1', event);
  await received(1);
  consumeBookings();
  for (const one of [booking, silent]) await publish('booking.cancelled.v1', one);
  await received(3);
  const bodies = await fixture.database.webhookDelivery.findMany();
  const data = bodies.map(({ payload }) => JSON.parse(payload).data);
  expect(data).toHaveLength(3);
  expect(data).toEqual(expect.arrayContaining([event, booking, { ...silent, cancellationReason: null }]));
});
