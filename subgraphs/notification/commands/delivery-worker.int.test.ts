import { Writable } from 'node:stream';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { quiet } from '#platform/testing/messaging.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { type Channel, ChannelAwayError, type Delivery, DeliveryRefusedError } from '../domain/delivery.ts';
import { createLogChannel } from '../messaging/log-channel.ts';
import { addNotifications, connectDatabase, createNotificationDatabase } from '../testing.ts';
import { createDeliveryMetrics } from './delivery-metrics.ts';
import { createDeliveryWorker } from './delivery-worker.ts';
import { retryNotification } from './retry-notification.ts';

const SECOND_MS = 1_000;
const SOON = { timeout: 10_000, interval: 20 };

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;

beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(() => fixture.empty());

/** Adds a contact and event facts, and returns their ids. */
async function known(): Promise<{ userId: string; eventId: string }> {
  const [userId, eventId] = [newId(), newId()];
  const event = {
    name: 'Concert',
    venue: 'Hall',
    startsAt: new Date('2030-01-01T20:00:00.000Z'),
    timeZone: 'Europe/Berlin',
    version: 1,
  };
  await fixture.database.contact.create({ data: { userId, name: 'Ada Lovelace', email: 'ada@example.com' } });
  await fixture.database.eventFact.create({ data: { eventId, ...event } });
  return { userId, eventId };
}

/** Creates a channel that records its deliveries, or throws while `fails` returns true. */
function createChannel(fails: () => boolean = () => false): Channel & { delivered: Delivery[] } {
  const delivered: Delivery[] = [];
  return {
    deliveriesMax: 100,
    delivered,
    async deliver(delivery) {
      if (fails()) throw new Error('the mail server is down');
      delivered.push(delivery);
    },
  };
}

function startDelivery(channel: Channel, options: Partial<Parameters<typeof createDeliveryWorker>[0]> = {}) {
  const { database, sql } = fixture;
  const metrics = createDeliveryMetrics({ database, metrics: new Registry() });
  const defaults = { name: 'LOG', channel, retryHours: 24, database: sql, logger: quiet().logger, metrics } as const;
  return createDeliveryWorker({ ...defaults, ...options });
}

/** Starts the due deliveries, up to the channel's limit, and waits until they have ended. */
const deliver = (channel: Channel, options: Parameters<typeof startDelivery>[1] = {}) =>
  startDelivery(channel, options).stop();

const find = (id: string) => fixture.database.notification.findUniqueOrThrow({ where: { id } });

/** Makes all notifications due now. */
const skipTheWait = () => fixture.database.notification.updateMany({ data: { nextAttemptAt: new Date(0) } });

/** Returns how long a notification still waits, by the database's clock. */
async function waitMs(id: string): Promise<number> {
  const [row] = await fixture.database.$queryRaw<{ waitMs: bigint }[]>`
    SELECT TIMESTAMPDIFF(MICROSECOND, CURRENT_TIMESTAMP(3), next_attempt_at) DIV 1000 AS waitMs
    FROM notifications WHERE id = ${id}`;
  return Number(row?.waitMs);
}

test('a PENDING notification is delivered with its recipient and event and becomes SENT', async () => {
  const { userId, eventId } = await known();
  const [id = ''] = await addNotifications(fixture.database, [{ userId, eventId, seatCount: 3 }]);
  const channel = createChannel();
  await deliver(channel);
  expect(channel.delivered).toMatchObject([
    {
      notification: { id, userId, eventId, seatCount: 3, kind: 'BOOKING_CONFIRMED', attempts: 1 },
      recipient: { name: 'Ada Lovelace', email: 'ada@example.com' },
      event: {
        name: 'Concert',
        venue: 'Hall',
        startsAt: new Date('2030-01-01T20:00:00.000Z'),
        timeZone: 'Europe/Berlin',
      },
    },
  ]);
  const sent = await find(id);
  expect(sent).toMatchObject({ status: 'SENT', attempts: 1, sentAt: expect.any(Date) });
  expect(sent.sentAt?.getTime()).toBeGreaterThanOrEqual(sent.createdAt.getTime());
  await skipTheWait();
  await deliver(channel);
  expect(channel.delivered).toHaveLength(1);
});

test('the log contains the notification, booking and event, but no person', async () => {
  const { userId, eventId } = await known();
  const [id = ''] = await addNotifications(fixture.database, [{ userId, eventId, requestId: 'a-request' }]);
  const lines: string[] = [];
  const logger = pino(
    new Writable({
      write(line, _encoding, done) {
        lines.push(String(line));
        done();
      },
    }),
  );
  await deliver(createLogChannel(logger), { logger });
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
    { notificationId: id, bookingId, requestId: 'a-request', msg: 'notification sent' },
  ]);
  expect(lines.join()).not.toMatch(/lovelace|example\.com/i);
});

test('a notification with an unknown recipient or event waits and is delivered when both are known', async () => {
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

test('a failed delivery is retried after growing pauses, then FAILED until an admin retries it', async () => {
  const [id = ''] = await addNotifications(fixture.database, [await known()]);
  let isDown = true;
  const channel = createChannel(() => isDown);
  const deliverOnce = () => deliver(channel, { retryHours: 1 });
  for (const seconds of [1, 5, 30, 120, 600, 1_800]) {
    await deliverOnce();
    expect(await find(id)).toMatchObject({ status: 'PENDING' });
    const wait = await waitMs(id);
    // The wait varies by 10 % and is shorter by the time that this test took.
    expect(wait).toBeLessThanOrEqual(1.1 * seconds * SECOND_MS);
    expect(wait).toBeGreaterThan((0.9 * seconds - 1) * SECOND_MS);
    await skipTheWait();
  }
  await deliverOnce();
  expect(await find(id)).toMatchObject({ status: 'FAILED', attempts: 7 });
  await skipTheWait();
  isDown = false;
  await deliver(channel);
  expect(channel.delivered).toHaveLength(0);

  const deliveries = { EMAIL: { nudge: vi.fn() }, LOG: { nudge: vi.fn() } };
  const dependencies = { database: fixture.database, deliveries };
  expect(await retryNotification(dependencies, id)).toMatchObject({ id, status: 'PENDING', attempts: 0 });
  expect(deliveries.LOG.nudge).toHaveBeenCalledOnce();
  expect(await retryNotification(dependencies, id)).toBeNull();
  await deliver(channel);
  expect(await find(id)).toMatchObject({ status: 'SENT', attempts: 1 });
});

test('an unavailable channel costs no attempt, gets one probe at a time, and later gets all deliveries', async () => {
  const user = await known();
  const ids = await addNotifications(
    fixture.database,
    Array.from({ length: 50 }, () => user),
  );
  let isAway = true;
  let [tried, atOnce, atOnceMax] = [0, 0, 0];
  const registry = new Registry();
  const metrics = createDeliveryMetrics({ database: fixture.database, metrics: registry });
  const { logger } = quiet();
  const warn = vi.spyOn(logger, 'warn');
  const worker = startDelivery(
    {
      deliveriesMax: 5,
      async deliver() {
        tried += 1;
        atOnceMax = Math.max(atOnceMax, ++atOnce);
        await new Promise(setImmediate);
        atOnce -= 1;
        if (isAway) throw new ChannelAwayError('connection refused');
      },
    },
    { logger, metrics },
  );
  // Five deliveries start together. Two probes follow after pauses of about 1 s and 2 s.
  await vi.waitFor(() => expect(tried).toBe(5), SOON);
  expect(atOnceMax).toBe(5);
  atOnceMax = 0;
  await vi.waitFor(() => expect(tried).toBe(7), SOON);
  expect(atOnceMax).toBe(1);
  expect(await registry.metrics()).toContain('notification_channel_away{channel="LOG"} 1');
  await vi.waitFor(async () => {
    expect(await fixture.database.notification.count({ where: { status: 'PENDING', attempts: 0 } })).toBe(50);
  }, SOON);

  isAway = false;
  await vi.waitFor(async () => {
    expect(await fixture.database.notification.count({ where: { status: 'SENT', attempts: 1 } })).toBe(50);
  }, SOON);
  await worker.stop();
  expect(tried).toBe(7 + ids.length);
  expect(warn).toHaveBeenCalledOnce();
  const lines = await registry.metrics();
  expect(lines).toContain('notification_channel_away{channel="LOG"} 0');
  expect(lines).toContain('notification_attempts_total{channel="LOG",outcome="postponed"} 7');
});

test('a notification that is refused permanently fails immediately, and no other does', async () => {
  const user = await known();
  const [refused = '', fine = ''] = await addNotifications(fixture.database, [user, user]);
  await deliver({
    deliveriesMax: 5,
    async deliver({ notification: { id } }) {
      if (id === refused) throw new DeliveryRefusedError('no such address');
    },
  });
  expect(await find(refused)).toMatchObject({ status: 'FAILED', attempts: 1 });
  expect(await find(fine)).toMatchObject({ status: 'SENT' });
});

test('a delivery that hangs is aborted and costs an attempt only for its own notification', async () => {
  const user = await known();
  const [hanging = '', mailed = '', fine = ''] = await addNotifications(fixture.database, [
    user,
    { ...user, channel: 'EMAIL' },
    user,
  ]);
  let givenUp: AbortSignal | undefined;
  const channel: Channel = {
    deliveriesMax: 100,
    deliver: ({ notification: { id } }, signal) => {
      if (id !== hanging) return Promise.resolve();
      givenUp = signal;
      return new Promise(() => undefined);
    },
  };
  await deliver(channel, { timeoutMs: 50 });
  expect(await find(fine)).toMatchObject({ status: 'SENT' });
  expect(await find(hanging)).toMatchObject({ status: 'PENDING', attempts: 1 });
  expect(await find(mailed)).toMatchObject({ status: 'PENDING', attempts: 0 });
  expect(givenUp?.aborted).toBe(true);
});

test('deliveries that hang do not delay others, and a channel gets at most deliveriesMax at once', async () => {
  const user = await known();
  const [hanging = ''] = await addNotifications(fixture.database, [user]);
  const ids = await addNotifications(
    fixture.database,
    Array.from({ length: 20 }, () => user),
  );
  const { promise: end, resolve: release } = Promise.withResolvers<void>();
  let [atOnce, atOnceMax] = [0, 0];
  const worker = startDelivery({
    deliveriesMax: 3,
    async deliver({ notification: { id } }) {
      atOnceMax = Math.max(atOnceMax, ++atOnce);
      await (id === hanging ? end : new Promise(setImmediate));
      atOnce -= 1;
    },
  });
  await vi.waitFor(async () => {
    expect(await fixture.database.notification.count({ where: { id: { in: ids }, status: 'SENT' } })).toBe(20);
  }, SOON);
  expect(await find(hanging)).toMatchObject({ status: 'PENDING', attempts: 1 });
  expect(atOnceMax).toBe(3);
  release();
  await worker.stop();
  expect(await find(hanging)).toMatchObject({ status: 'SENT', attempts: 1 });
});

test('a delivery whose outcome cannot be saved is not repeated, and the outcome is saved later', async () => {
  const [id = ''] = await addNotifications(fixture.database, [await known()]);
  const proxy = await createProxy(fixture.url);
  const { pool, sql } = connectDatabase(proxy.url);
  const { promise: end, resolve: release } = Promise.withResolvers<void>();
  const slow = vi.fn<Channel['deliver']>(() => end);
  const { logger } = quiet();
  const warn = vi.spyOn(logger, 'warn');
  try {
    const worker = startDelivery({ deliveriesMax: 100, deliver: slow }, { database: sql, logger });
    await vi.waitFor(() => expect(slow).toHaveBeenCalledOnce(), SOON);
    // Wait first: if a connection is cut during its setup, the driver rejects a promise that no code can handle.
    await vi.waitFor(() => expect(pool.idleConnections()).toBe(pool.totalConnections()), SOON);
    proxy.cut();
    release();
    await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce(), SOON);
    await skipTheWait();
    proxy.restore();
    await vi.waitFor(async () => expect(await find(id)).toMatchObject({ status: 'SENT', attempts: 1 }), SOON);
    await worker.stop();
    expect(slow).toHaveBeenCalledOnce();
  } finally {
    await vi.waitFor(() => expect(pool.idleConnections()).toBe(pool.totalConnections()), SOON);
    await pool.end();
    proxy.close();
  }
});

test('a worker that stops waits for its deliveries in flight', async () => {
  const [id = ''] = await addNotifications(fixture.database, [await known()]);
  const { promise: end, resolve: release } = Promise.withResolvers<void>();
  const deliverSlowly = vi.fn<Channel['deliver']>(() => end);
  const worker = startDelivery({ deliveriesMax: 2, deliver: deliverSlowly });
  await vi.waitFor(() => expect(deliverSlowly).toHaveBeenCalledOnce(), SOON);
  const stopped = worker.stop();
  release();
  await stopped;
  expect(await find(id)).toMatchObject({ status: 'SENT' });
});

test('a worker that stops starts no more deliveries', async () => {
  const user = await known();
  await addNotifications(fixture.database, [user, user, user]);
  const channel = createChannel();
  await startDelivery({ ...channel, deliveriesMax: 1 }).stop();
  expect(channel.delivered).toHaveLength(1);
  expect(await fixture.database.notification.count({ where: { attempts: 0 } })).toBe(2);
});

test('the metrics count sent, retried and failed attempts by channel, and notifications by status', async () => {
  const user = await known();
  await addNotifications(fixture.database, [user, user, { ...user, channel: 'EMAIL' }]);
  const [last = ''] = await addNotifications(fixture.database, [user]);
  await fixture.database.notification.update({ where: { id: last }, data: { attempts: 29 } });
  const registry = new Registry();
  const metrics = createDeliveryMetrics({ database: fixture.database, metrics: registry });
  let isDown = true;
  const channel = createChannel(() => isDown);
  await deliver(channel, { metrics });
  isDown = false;
  await skipTheWait();
  await deliver(channel, { metrics });
  const lines = (await registry.metrics()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'notifications{status="PENDING"} 1',
      'notifications{status="FAILED"} 1',
      'notification_attempts_total{channel="LOG",outcome="retried"} 2',
      'notification_attempts_total{channel="LOG",outcome="failed"} 1',
      'notification_attempts_total{channel="LOG",outcome="sent"} 2',
    ]),
  );
});

test('the notifications are counted at most every 15 seconds', async () => {
  const registry = new Registry();
  createDeliveryMetrics({ database: fixture.database, metrics: registry });
  const pending = async () => /notifications\{status="PENDING"\} (\d+)/.exec(await registry.metrics())?.[1];
  expect(await pending()).toBe('0');
  await addNotifications(fixture.database, [{}, {}]);
  expect(await pending()).toBe('0');
  const later = performance.now() + 15_000;
  const now = vi.spyOn(performance, 'now').mockReturnValue(later);
  expect(await pending()).toBe('2');
  now.mockRestore();
});

test('the metrics report NaN pending notifications while the database is unavailable', async () => {
  const { pool, database } = connectDatabase(fixture.url);
  const registry = new Registry();
  createDeliveryMetrics({ database, metrics: registry });
  await pool.end();
  expect(await registry.metrics()).toContain('notifications{status="PENDING"} Nan');
});

test('concurrent replicas deliver each notification once', async () => {
  const user = await known();
  const ids = await addNotifications(
    fixture.database,
    Array.from({ length: 500 }, () => user),
  );
  const channel = createChannel();
  const replicas = [startDelivery(channel), startDelivery(channel), startDelivery(channel)];
  await vi.waitFor(async () => {
    expect(await fixture.database.notification.count({ where: { status: 'SENT' } })).toBe(500);
  }, SOON);
  await Promise.all(replicas.map((replica) => replica.stop()));
  expect(channel.delivered.map(({ notification }) => notification.id).toSorted()).toEqual(ids.toSorted());
  expect(await fixture.database.notification.count({ where: { status: 'SENT', attempts: 1 } })).toBe(500);
});

test('a delivery that crashed is repeated after its lease, and not before', async () => {
  const [id = ''] = await addNotifications(fixture.database, [await known()]);
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: end, reject: crash } = Promise.withResolvers<void>();
  const crashing = deliver({
    deliveriesMax: 100,
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
