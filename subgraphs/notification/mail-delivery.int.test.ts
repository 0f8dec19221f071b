import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createConsumer } from '#platform/messaging/consumer.ts';
import { serializeMessage } from '#platform/messaging/message.ts';
import { createTestBroker, quiet } from '#platform/testing/messaging.ts';
import { refusal, startMailServer } from '#tests/support/mail-server.ts';
import { bookingStream } from '../booking/messaging/contract.ts';
import { createDeliveryMetrics } from './commands/delivery-metrics.ts';
import { createDeliveryWorker } from './commands/delivery-worker.ts';
import { createEmailChannel, unconfiguredEmailChannel } from './messaging/email-channel.ts';
import { bookingHandlers } from './messaging/handlers.ts';
import { addNotifications, createNotificationDatabase } from './testing.ts';

const SOON = { timeout: 15_000, interval: 20 };

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;
let opened: (() => unknown)[];

beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  opened = [];
  await fixture.empty();
});
afterEach(async () => {
  for (const close of opened.toReversed()) await close();
});

async function startServer(options?: Parameters<typeof startMailServer>[0]) {
  const server = await startMailServer(options);
  opened.push(server.stop);
  return server;
}

/** Starts a delivery worker, as one process of the service does. */
function startDelivery(server: { host: string; port: number }, { timeoutMs = 10_000 } = {}) {
  const channel = createEmailChannel({
    server: { host: server.host, port: server.port, secure: false },
    from: 'tickets@shop.example',
    requireTls: false,
  });
  opened.push(channel.close);
  return startWorker(channel, timeoutMs);
}

function startWorker(channel: Parameters<typeof createDeliveryWorker>[0]['channel'], timeoutMs = 10_000) {
  const { database } = fixture;
  const metrics = createDeliveryMetrics({ database, metrics: new Registry() });
  const { logger } = quiet();
  const worker = createDeliveryWorker({ name: 'EMAIL', channel, retryHours: 24, timeoutMs, database, logger, metrics });
  opened.push(worker.stop);
  return Object.assign(worker, { logger });
}

/** Adds PENDING mails, each to a different user with the address `<user's id>@example.com`. Returns their ids. */
async function addMails(count: number): Promise<string[]> {
  const [eventId, userIds] = [newId(), Array.from({ length: count }, () => newId())];
  await fixture.database.eventFact.create({ data: { eventId, name: 'Concert', startsAt: new Date(), version: 1 } });
  await fixture.database.contact.createMany({
    data: userIds.map((userId) => ({ userId, name: 'Ada Lovelace', email: `${userId}@example.com` })),
  });
  return addNotifications(
    fixture.database,
    userIds.map((userId) => ({ userId, eventId, channel: 'EMAIL' })),
  );
}

const find = (id: string) => fixture.database.notification.findUniqueOrThrow({ where: { id } });
const countSent = (attempts?: number) =>
  fixture.database.notification.count({ where: { status: 'SENT', ...(attempts && { attempts }) } });
const skipTheWait = () => fixture.database.notification.updateMany({ data: { nextAttemptAt: new Date(0) } });
const messageIdOf = (id: string) => `<${id}@shop.example>`;

test('two replicas send one mail for each notification', async () => {
  const server = await startServer();
  const ids = await addMails(100);
  for (let replica = 0; replica < 2; replica += 1) startDelivery(server);
  await vi.waitFor(async () => expect(await countSent(1)).toBe(100), SOON);
  expect(server.mails.map(({ messageId }) => messageId).toSorted()).toEqual(ids.map(messageIdOf).toSorted());
});

test('a mail that the server did not confirm is sent again with the same Message-ID', async () => {
  let answers = false;
  const seen: string[] = [];
  const server = await startServer({
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        seen.push(/^Message-ID: (.*)$/im.exec(Buffer.concat(chunks).toString())?.[1]?.trim() ?? '');
        if (answers) done();
      });
    },
  });
  const [id = ''] = await addMails(1);
  const worker = startDelivery(server, { timeoutMs: 300 });
  await vi.waitFor(() => expect(seen).toHaveLength(1), SOON);
  answers = true;
  await vi.waitFor(async () => expect(await find(id)).toMatchObject({ status: 'SENT', attempts: 2 }), SOON);
  expect(seen).toEqual([messageIdOf(id), messageIdOf(id)]);
  await worker.stop();
});

test('an unavailable mail server costs no attempts and gets few connections; all mails are sent later', async () => {
  const gone = await startMailServer();
  const { port } = gone;
  await gone.stop();
  let connections = 0;
  await addMails(100);
  const worker = startDelivery({ host: '127.0.0.1', port });
  const info = vi.spyOn(worker.logger, 'info');
  const warn = vi.spyOn(worker.logger, 'warn');
  await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce(), SOON);
  // Refused at the greeting, like an overloaded or restarting server.
  const starting = await startMailServer({
    port,
    onConnect: (_session, done) => {
      connections += 1;
      done(refusal(421, 'try again later'));
    },
  });
  await vi.waitFor(() => expect(connections).toBeGreaterThan(0), SOON);
  await starting.stop();
  expect(connections).toBeLessThanOrEqual(4);
  expect(await fixture.database.notification.count({ where: { status: 'PENDING', attempts: { lte: 1 } } })).toBe(100);

  const server = await startServer({ port });
  await vi.waitFor(async () => expect(await countSent(1)).toBe(100), { ...SOON, timeout: 20_000 });
  expect(server.mails).toHaveLength(100);
  expect(warn).toHaveBeenCalledOnce();
  expect(info).toHaveBeenCalledWith({ channel: 'EMAIL' }, 'the channel is available again');
}, 60_000);

test('a mail to an unknown address is FAILED immediately, and the other mails arrive', async () => {
  let unknown = '';
  const server = await startServer({
    onRcptTo: ({ address }, _session, done) => done(address.startsWith(unknown) ? refusal(550, 'no such user') : null),
  });
  const ids = await addMails(20);
  unknown = (await find(ids[0] ?? '')).userId;
  startDelivery(server);
  await vi.waitFor(async () => expect(await countSent(1)).toBe(19), SOON);
  await vi.waitFor(async () => expect(await find(ids[0] ?? '')).toMatchObject({ status: 'FAILED', attempts: 1 }), SOON);
});

test('a mail that is refused temporarily is sent later, and FAILED if it is refused for a day', async () => {
  let code = 451;
  const server = await startServer({ onRcptTo: (_address, _session, done) => done(code ? refusal(code, 'no') : null) });
  const [later = '', never = ''] = await addMails(2);
  await fixture.database.notification.update({ where: { id: never }, data: { attempts: 29 } });
  startDelivery(server);
  await vi.waitFor(async () => expect(await find(never)).toMatchObject({ status: 'FAILED', attempts: 30 }), SOON);
  expect(await find(later)).toMatchObject({ status: 'PENDING', attempts: 1 });
  code = 0;
  await vi.waitFor(async () => expect(await find(later)).toMatchObject({ status: 'SENT', attempts: 2 }), SOON);
});

test('a server that hangs for one recipient receives the mails to all others in the meantime', async () => {
  let hanging = '';
  const server = await startServer({
    onRcptTo: ({ address }, _session, done) => void (address.startsWith(hanging) || done()),
  });
  const ids = await addMails(30);
  hanging = (await find(ids[0] ?? '')).userId;
  startDelivery(server, { timeoutMs: 5_000 });
  await vi.waitFor(async () => expect(await countSent(1)).toBe(29), { ...SOON, timeout: 4_000 });
  expect(await find(ids[0] ?? '')).toMatchObject({ status: 'PENDING', attempts: 1 });
});

test('a slow server gets each mail once, at its own pace', async () => {
  const slowMs = 150;
  const server = await startServer({
    onRcptTo: (_address, _session, done) => void setTimeout(done, slowMs),
  });
  const timeoutMs = 1_000;
  // More mails than five connections can send within one timeout.
  const count = 60;
  expect((count / 5) * slowMs).toBeGreaterThan(timeoutMs);
  await addMails(count);
  startDelivery(server, { timeoutMs });
  await vi.waitFor(async () => expect(await countSent()).toBe(count), SOON);
  expect(await countSent(1)).toBe(count);
});

test('messages are consumed at normal speed while the mail server hangs', async () => {
  const server = await startServer({ onConnect: () => undefined });
  await addMails(100);
  const worker = startDelivery(server, { timeoutMs: 1_000 });
  await vi.waitFor(() => expect(server.connections()).toBe(5), SOON);

  const broker = createTestBroker();
  opened.push(broker.close);
  await broker.ensureStream(bookingStream);
  const consumer = createConsumer({
    name: 'notification-bookings',
    stream: bookingStream,
    handlers: bookingHandlers({ channel: 'EMAIL', newId }),
    onCommitted: worker.nudge,
    database: fixture.database,
    broker,
    ...quiet(),
  });
  opened.push(consumer.stop);
  const { client } = await broker.jetStream();
  const publish = async () => {
    const id = newId();
    const data = { bookingId: newId(), eventId: newId(), userId: newId(), seatCount: 1 };
    const type = 'booking.confirmed.v1';
    const message = { id, type, subject: data.bookingId, time: new Date(), correlationId: id, data };
    await client.publish(broker.subject(type), serializeMessage('test', message));
  };
  const startedAtMs = performance.now();
  await Promise.all(Array.from({ length: 500 }, publish));
  await vi.waitFor(async () => expect(await fixture.database.inboxMessage.count()).toBe(500), SOON);
  // The mails alone would take 20 timeouts of 1 s.
  expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  expect(await fixture.database.notification.count({ where: { status: 'PENDING' } })).toBe(600);
  expect(server.mails).toHaveLength(0);
});

test('an EMAIL notification keeps its channel without SMTP_URL, and is FAILED with the reason in the log', async () => {
  const [id = ''] = await addMails(1);
  await fixture.database.notification.update({ where: { id }, data: { attempts: 29 } });
  const { logger } = startWorker(unconfiguredEmailChannel);
  const error = vi.spyOn(logger, 'error');
  await vi.waitFor(async () => expect(await find(id)).toMatchObject({ status: 'FAILED', channel: 'EMAIL' }), SOON);
  const about = { notificationId: id, err: new Error('SMTP_URL is not set: no mail can be sent') };
  expect(error).toHaveBeenCalledWith(expect.objectContaining(about), 'notification failed');

  const server = await startServer();
  await fixture.database.notification.update({ where: { id }, data: { status: 'PENDING', attempts: 0 } });
  for (const close of opened.splice(0, 1)) await close();
  await skipTheWait();
  startDelivery(server);
  await vi.waitFor(async () => expect(await find(id)).toMatchObject({ status: 'SENT', channel: 'EMAIL' }), SOON);
  expect(server.mails).toHaveLength(1);
});
