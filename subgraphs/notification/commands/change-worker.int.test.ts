import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SqlClient } from '#platform/database/database.ts';
import type { ReceivedMessage } from '#platform/messaging/message.ts';
import type { Poller } from '#platform/process/poller.ts';
import { quiet } from '#platform/testing/messaging.ts';
import { bookingHandlers, eventHandlers } from '../messaging/handlers.ts';
import { createNotificationDatabase } from '../testing.ts';
import { createChangeWorker } from './change-worker.ts';

const SOON = { timeout: 20_000, interval: 20 };
const HOUR_MS = 3_600_000;

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;
let workers: Poller[];

beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.empty();
  workers = [];
});
afterEach(() => Promise.all(workers.map((worker) => worker.stop())));

function startWorker({ database = fixture.sql as SqlClient, usersAtOnce = 7 } = {}) {
  const { logger } = quiet();
  const worker = createChangeWorker({
    channel: 'LOG',
    database,
    logger,
    metrics: new Registry(),
    onNotified: () => undefined,
    usersAtOnce,
  });
  workers.push(worker);
  return worker;
}

const handlers = { ...eventHandlers({ newId }), ...bookingHandlers({ channel: 'LOG', newId }) };

/** Applies messages of one type, as the consumer does. */
async function receive(
  type: keyof typeof handlers,
  data: readonly object[],
  { time = new Date(), id = newId() }: { time?: Date; id?: string } = {},
): Promise<void> {
  const { schema, apply } = handlers[type];
  const messages = data.map(
    (one, index): ReceivedMessage<unknown> => ({
      id: index === 0 ? id : newId(),
      type,
      subject: 'test',
      time,
      correlationId: 'the-request',
      data: schema.parse(one),
    }),
  );
  await fixture.sql.$transaction((transaction) => apply(transaction, messages as ReceivedMessage<never>[]));
}

const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();

const factsOf = (eventId: string, change: object = {}) => ({
  eventId,
  name: 'Concert',
  venue: 'Hall',
  startsAt: inHours(48),
  status: 'SCHEDULED',
  organizerId: newId(),
  initialSeats: 100,
  version: 1,
  timeZone: 'Europe/Berlin',
  ...change,
});
const moved = { version: 2, venue: 'Barn', previousStartsAt: inHours(24), previousVenue: 'Hall' };

const bookingsOf = (eventId: string, count: number) =>
  Array.from({ length: count }, () => ({ bookingId: newId(), eventId, userId: newId(), seatCount: 2 }));

const makeDue = () =>
  fixture.database.eventChange.updateMany({ where: { dueAt: { not: null } }, data: { dueAt: new Date(0) } });
const allTold = () =>
  vi.waitFor(
    async () => expect(await fixture.database.eventChange.count({ where: { dueAt: { not: null } } })).toBe(0),
    SOON,
  );
const changeNotifications = () =>
  fixture.database.notification.findMany({ where: { kind: 'EVENT_CHANGED' }, orderBy: { userId: 'asc' } });
const HOUR_AGO = { time: new Date(Date.now() - HOUR_MS) };

describe('a change of the time or venue of an event', () => {
  it('is told once to each user with confirmed seats, whatever happens to processes between the pages', async () => {
    const eventId = newId();
    await receive('event.created.v1', [factsOf(eventId)], HOUR_AGO);
    const bookings = bookingsOf(eventId, 50);
    const [twice, cancelled] = bookings;
    const again = { ...twice, bookingId: newId(), seatCount: 3 };
    await receive('booking.confirmed.v1', [...bookings, again, ...bookingsOf(newId(), 3)], HOUR_AGO);
    await receive('booking.cancelled.v1', [cancelled ?? {}]);
    const id = newId();
    for (let times = 0; times < 3; times += 1) await receive('event.updated.v1', [factsOf(eventId, moved)], { id });
    await makeDue();

    // A process that crashes after every second page, before the commit, and two healthy ones.
    let pages = 0;
    const crashing: SqlClient = {
      ...fixture.sql,
      $transaction: (run, options) =>
        fixture.sql.$transaction(async (transaction) => {
          const result = await run(transaction);
          pages += 1;
          if (pages % 2 === 0) throw new Error('crashed');
          return result;
        }, options),
    };
    startWorker({ database: crashing });
    startWorker();
    startWorker();
    await allTold();
    const told = await changeNotifications();
    const expected = bookings.filter((one) => one !== cancelled).map(({ userId }) => userId);
    expect(told.map(({ userId }) => userId)).toEqual(expected.sort());
    expect(told.find(({ userId }) => userId === twice?.userId)).toMatchObject({
      eventId,
      seatCount: 5,
      status: 'PENDING',
      changeId: id,
      requestId: 'the-request',
    });
    expect(await fixture.database.eventChange.findMany()).toMatchObject([
      { id, venue: 'Barn', previousVenue: 'Hall', previousStartsAt: new Date(moved.previousStartsAt) },
    ]);
  });

  it('is not told to those who booked afterwards', async () => {
    const eventId = newId();
    await receive('event.created.v1', [factsOf(eventId)], HOUR_AGO);
    await receive('event.updated.v1', [factsOf(eventId, moved)], HOUR_AGO);
    await receive('booking.confirmed.v1', bookingsOf(eventId, 3));
    await makeDue();
    startWorker();
    await allTold();
    expect(await changeNotifications()).toEqual([]);
  });

  it('is told once to a user whose booking arrives after the others were told', async () => {
    const eventId = newId();
    const [early = {}, late = {}, gone = {}] = bookingsOf(eventId, 3);
    await receive('booking.confirmed.v1', [early], HOUR_AGO);
    await receive('event.updated.v1', [factsOf(eventId, moved)]);
    await makeDue();
    startWorker();
    await allTold();
    expect(await changeNotifications()).toHaveLength(1);
    await receive('booking.cancelled.v1', [gone]);
    await receive('booking.confirmed.v1', [late, gone, { ...early, bookingId: newId() }], HOUR_AGO);
    const told = await changeNotifications();
    expect(new Set(told.map(({ userId }) => userId))).toEqual(
      new Set([early, late].map((one) => (one as { userId: string }).userId)),
    );
    expect(told).toHaveLength(2);
  });

  it('is told for each change, in any order of the messages', async () => {
    const eventId = newId();
    await receive('event.updated.v1', [factsOf(eventId, { ...moved, version: 3 })]);
    await receive('booking.confirmed.v1', bookingsOf(eventId, 10), HOUR_AGO);
    await receive('event.updated.v1', [factsOf(eventId, moved)]);
    // Neither start nor venue has changed.
    await receive('event.updated.v1', [factsOf(eventId, { version: 4, previousStartsAt: null, previousVenue: null })]);
    await makeDue();
    startWorker();
    await allTold();
    expect(await fixture.database.eventChange.count()).toBe(2);
    expect(await changeNotifications()).toHaveLength(20);
  });

  it.each([
    ['was cancelled', { status: 'CANCELLED' }, 'event.cancelled.v1'],
    ['has started', { startsAt: inHours(-1) }, 'event.updated.v1'],
  ] as const)('is not told when the event %s, also if this is known before the change', async (_what, change, type) => {
    for (const order of [
      ['updated', 'over'],
      ['over', 'updated'],
    ]) {
      const eventId = newId();
      await receive('booking.confirmed.v1', bookingsOf(eventId, 3), HOUR_AGO);
      for (const next of order) {
        if (next === 'updated') await receive('event.updated.v1', [factsOf(eventId, moved)]);
        else await receive(type, [factsOf(eventId, { ...change, version: 3 })]);
      }
      await receive('booking.confirmed.v1', bookingsOf(eventId, 3), HOUR_AGO);
    }
    await makeDue();
    startWorker();
    await allTold();
    expect(await changeNotifications()).toEqual([]);
  });

  it('is told to thousands of users in pages', async () => {
    const eventId = newId();
    await receive('event.created.v1', [factsOf(eventId)], HOUR_AGO);
    for (let batch = 0; batch < 5; batch += 1)
      await receive('booking.confirmed.v1', bookingsOf(eventId, 1_000), HOUR_AGO);
    await receive('event.updated.v1', [factsOf(eventId, moved)]);
    await makeDue();
    startWorker({ usersAtOnce: 500 });
    await allTold();
    expect(await fixture.database.notification.count({ where: { kind: 'EVENT_CHANGED' } })).toBe(5_000);
  });
});
