import { Writable } from 'node:stream';
import { pino } from 'pino';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { quiet } from '#platform/messaging/testing.ts';
import type { Channel, Delivery } from '../domain/delivery.ts';
import { createLogChannel } from '../messaging/log-channel.ts';
import { addNotifications, createNotificationDatabase } from '../testing.ts';
import { deliverNotifications } from './deliver-notifications.ts';
import { retryNotification } from './retry-notification.ts';

const SECOND_MS = 1_000;

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;

beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(() => fixture.empty());

/** A user and an event that this subgraph knows. */
async function known(): Promise<{ userId: string; eventId: string }> {
  const [userId, eventId] = [newId(), newId()];
  const event = { name: 'Concert', venue: 'Hall', startsAt: new Date('2030-01-01T20:00:00.000Z'), version: 1 };
  await fixture.database.contact.create({ data: { userId, name: 'Ada Lovelace', email: 'ada@example.com' } });
  await fixture.database.eventFact.create({ data: { eventId, ...event } });
  return { userId, eventId };
}

/** A channel that notes what it is given, and throws while `fails`. */
function createChannel(fails: () => boolean = () => false): Channel & { delivered: Delivery[] } {
  const delivered: Delivery[] = [];
  return {
    delivered,
    async deliver(delivery) {
      if (fails()) throw new Error('the mail server is down');
      delivered.push(delivery);
    },
  };
}

const deliver = (channel: Channel, timeoutMs = 10 * SECOND_MS) =>
  deliverNotifications({ database: fixture.database, channels: { LOG: channel }, timeoutMs, logger: quiet().logger });

const find = (id: string) => fixture.database.notification.findUniqueOrThrow({ where: { id } });

/** Lets the time pass until every notification is due. */
const skipTheWait = () => fixture.database.notification.updateMany({ data: { nextAttemptAt: new Date(0) } });

/** How long a notification waits from now, by the database's clock. */
async function waitMs(id: string): Promise<number> {
  const [row] = await fixture.database.$queryRaw<{ waitMs: bigint }[]>`
    SELECT TIMESTAMPDIFF(MICROSECOND, CURRENT_TIMESTAMP(3), next_attempt_at) DIV 1000 AS waitMs
    FROM notifications WHERE id = ${id}`;
  return Number(row?.waitMs);
}

test('a PENDING notification is delivered with its recipient and event, and SENT', async () => {
  const { userId, eventId } = await known();
  const [id = ''] = await addNotifications(fixture.database, [{ userId, eventId, seatCount: 3 }]);
  const channel = createChannel();
  expect(await deliver(channel)).toBe(false);
  expect(channel.delivered).toMatchObject([
    {
      notification: { id, userId, eventId, seatCount: 3, kind: 'BOOKING_CONFIRMED', attempts: 1 },
      recipient: { name: 'Ada Lovelace', email: 'ada@example.com' },
      event: { name: 'Concert', venue: 'Hall', startsAt: new Date('2030-01-01T20:00:00.000Z') },
    },
  ]);
  const sent = await find(id);
  expect(sent).toMatchObject({ status: 'SENT', attempts: 1, sentAt: expect.any(Date) });
  expect(sent.sentAt?.getTime()).toBeGreaterThanOrEqual(sent.createdAt.getTime());
  await skipTheWait();
  await deliver(channel);
  expect(channel.delivered).toHaveLength(1);
});

test('the log tells of notification, booking and event, and of no person', async () => {
  const { userId, eventId } = await known();
  const [id = ''] = await addNotifications(fixture.database, [{ userId, eventId }]);
  const lines: string[] = [];
  const logger = pino(
    new Writable({
      write(line, _encoding, done) {
        lines.push(String(line));
        done();
      },
    }),
  );
  await deliverNotifications({ database: fixture.database, channels: { LOG: createLogChannel(logger) }, logger });
  const { bookingId } = await find(id);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      notificationId: id,
      bookingId,
      kind: 'BOOKING_CONFIRMED',
      seatCount: 2,
      event: 'Concert',
      startsAt: '2030-01-01T20:00:00.000Z',
    },
  ]);
  expect(lines.join()).not.toMatch(/lovelace|example\.com/i);
});

test('a notification whose recipient or event is not known yet waits, and is delivered once both are', async () => {
  const ids = { userId: newId(), eventId: newId() };
  const [id = ''] = await addNotifications(fixture.database, [ids]);
  const channel = createChannel();
  await deliver(channel);
  expect(await find(id)).toMatchObject({ status: 'PENDING', attempts: 1 });
  await fixture.database.contact.create({ data: { userId: ids.userId, name: 'Ada', email: 'ada@example.com' } });
  await skipTheWait();
  await deliver(channel);
  expect(await find(id)).toMatchObject({ status: 'PENDING', attempts: 2 });
  const event = { name: 'Concert', startsAt: new Date(0), version: 1 };
  await fixture.database.eventFact.create({ data: { eventId: ids.eventId, ...event } });
  await skipTheWait();
  await deliver(channel);
  expect(await find(id)).toMatchObject({ status: 'SENT', attempts: 3 });
});

test('a delivery that fails is tried again after 1 s, 5 s, 30 s and 2 min, and then FAILED until an admin retries it', async () => {
  const [id = ''] = await addNotifications(fixture.database, [await known()]);
  let isDown = true;
  const channel = createChannel(() => isDown);
  for (const seconds of [1, 5, 30, 120]) {
    await deliver(channel);
    expect(await find(id)).toMatchObject({ status: 'PENDING' });
    const wait = await waitMs(id);
    expect(wait).toBeLessThanOrEqual(seconds * SECOND_MS);
    expect(wait).toBeGreaterThan((seconds - 1) * SECOND_MS);
    await deliver(channel);
    await skipTheWait();
  }
  await deliver(channel);
  expect(await find(id)).toMatchObject({ status: 'FAILED', attempts: 5 });
  await skipTheWait();
  isDown = false;
  await deliver(channel);
  expect(channel.delivered).toHaveLength(0);

  const delivery = { nudge: vi.fn() };
  const dependencies = { database: fixture.database, delivery };
  expect(await retryNotification(dependencies, id)).toMatchObject({ id, status: 'PENDING', attempts: 0 });
  expect(delivery.nudge).toHaveBeenCalledOnce();
  expect(await retryNotification(dependencies, id)).toBeNull();
  await deliver(channel);
  expect(await find(id)).toMatchObject({ status: 'SENT', attempts: 1 });
});

test('a channel that hangs or does not exist costs its own notification an attempt, and the others nothing', async () => {
  const user = await known();
  const [hanging = '', mailed = '', fine = ''] = await addNotifications(fixture.database, [
    user,
    { ...user, channel: 'EMAIL' },
    user,
  ]);
  await deliver(
    { deliver: ({ notification: { id } }) => (id === hanging ? new Promise(() => undefined) : Promise.resolve()) },
    50,
  );
  expect(await find(fine)).toMatchObject({ status: 'SENT' });
  expect(await find(hanging)).toMatchObject({ status: 'PENDING', attempts: 1 });
  expect(await find(mailed)).toMatchObject({ status: 'PENDING', attempts: 1 });
});

test('replicas that deliver at once share the notifications; each is delivered once', async () => {
  const user = await known();
  const ids = await addNotifications(
    fixture.database,
    Array.from({ length: 500 }, () => user),
  );
  const channel = createChannel();
  const drain = async () => {
    while (await deliver(channel));
  };
  await Promise.all([drain(), drain(), drain()]);
  await drain();
  expect(channel.delivered.map(({ notification }) => notification.id).toSorted()).toEqual(ids.toSorted());
  expect(await fixture.database.notification.count({ where: { status: 'SENT', attempts: 1 } })).toBe(500);
});

test('an attempt that crashed is made again after its lease, and not before', async () => {
  const [id = ''] = await addNotifications(fixture.database, [await known()]);
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: end, reject: crash } = Promise.withResolvers<void>();
  const crashing = deliver({
    deliver() {
      begin();
      return end;
    },
  });
  await begun;
  const channel = createChannel();
  await deliver(channel);
  expect(channel.delivered).toHaveLength(0);
  expect(await waitMs(id)).toBeGreaterThan(20 * SECOND_MS);

  await skipTheWait();
  await deliver(channel);
  expect(await find(id)).toMatchObject({ status: 'SENT', attempts: 2 });
  crash(new Error('too late'));
  await crashing;
  expect(await find(id)).toMatchObject({ status: 'SENT', attempts: 2 });
});
