import { Registry } from 'prom-client';
import { Webhook } from 'standardwebhooks';
import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { quiet } from '#platform/testing/messaging.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { startMailServer } from '#tests/support/mail-server.ts';
import { startWebhookReceiver } from '#tests/support/webhook-receiver.ts';
import { WEBHOOK_ATTEMPTS_MAX } from '../domain/webhook-delivery.ts';
import { createEmailChannel, type SendMail } from '../messaging/email-channel.ts';
import { createWebhookSender, type WebhookSender } from '../messaging/webhook-sender.ts';
import {
  addWebhook,
  connectDatabase,
  createNotificationDatabase,
  sendToWebhooks,
  TEST_SECRET,
  testSealer,
  testWebhooks,
} from '../testing.ts';
import { redeliverWebhook } from './redeliver-webhook.ts';
import { rotateWebhookSecret } from './rotate-webhook-secret.ts';
import { updateWebhook } from './update-webhook.ts';
import { createWebhookMetrics } from './webhook-metrics.ts';
import { createWebhookNoticeWorker } from './webhook-notice-worker.ts';
import { createWebhookWorker, LIMITS } from './webhook-worker.ts';

const SOON = { timeout: 15_000, interval: 20 };
const HOUR_MS = 3_600_000;

type Receiver = Awaited<ReturnType<typeof startWebhookReceiver>>;

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;
let receiver: Receiver;
let sender: WebhookSender;

beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.empty();
  receiver = await startWebhookReceiver();
  sender = createWebhookSender({ allowPrivate: true });
});
afterEach(() => Promise.all([sender.close(), receiver.stop()]));

function startWorker(options: Partial<Parameters<typeof createWebhookWorker>[0]> = {}) {
  const metrics = createWebhookMetrics({ database: fixture.sql, metrics: new Registry() });
  const defaults = { sender, sealer: testSealer, database: fixture.sql, logger: quiet().logger, metrics };
  return createWebhookWorker({ ...defaults, ...options });
}

/** Runs a worker until `isDone`. */
async function workUntil(isDone: () => Promise<void>, options: Parameters<typeof startWorker>[0] = {}): Promise<void> {
  const worker = startWorker(options);
  await vi.waitFor(isDone, SOON).finally(() => worker.stop());
}

const deliveries = () => fixture.database.webhookDelivery.findMany({ orderBy: { id: 'asc' } });
const statuses = async () => (await deliveries()).map(({ status }) => status);
const logOf = async () => JSON.parse((await deliveries())[0]?.log ?? '[]') as { error: string | null }[];
const webhook = (id: string) => fixture.database.webhook.findUniqueOrThrow({ where: { id } });
/** Makes all deliveries due now. */
async function skipTheWait(): Promise<void> {
  await fixture.database.webhookDelivery.updateMany({ data: { nextAttemptAt: new Date(0) } });
  await fixture.database.webhook.updateMany({ data: { dueAt: new Date(0) } });
}
const hasAttempts = (attempts: number) => async () => expect((await logOf()).length, 'attempts').toBe(attempts);

test('a delivery is sent once, signed, and logged', async () => {
  const { userId } = await addWebhook(fixture.database, { url: receiver.url });
  const messageId = await sendToWebhooks(fixture.database, userId);
  await workUntil(async () => expect(await statuses()).toEqual(['DELIVERED']));
  const [request, ...others] = receiver.received;
  expect(others).toEqual([]);
  const { headers = {}, body = '' } = request ?? {};
  expect(request?.headers['webhook-id']).toBe(messageId);
  expect(new Webhook(TEST_SECRET).verify(body, headers as Record<string, string>)).toEqual({
    type: 'event.updated',
    timestamp: '1970-01-01T00:00:00.000Z',
    data: { eventId: 'event-1' },
  });
  expect(await deliveries()).toMatchObject([{ messageId, attempts: 1, deliveredAt: expect.any(Date) }]);
  expect(await logOf()).toEqual([
    { startedAt: expect.any(String), durationMs: expect.any(Number), statusCode: 204, error: null },
  ]);
});

test('an endpoint gets only the kinds that it asked for, and nothing while it is off or of other organizers', async () => {
  const { userId } = await addWebhook(fixture.database, { url: receiver.url, kinds: ['BOOKING_CONFIRMED'] });
  const off = await addWebhook(fixture.database, { url: receiver.url });
  await fixture.database.webhook.update({ where: { id: off.id }, data: { enabled: false, disabledReason: 'OWNER' } });
  await addWebhook(fixture.database, { url: receiver.url });
  await sendToWebhooks(fixture.database, userId);
  await sendToWebhooks(fixture.database, off.userId);
  expect(await deliveries()).toEqual([]);
});

test('a failed delivery is retried after growing pauses with the same id, and FAILED after the last attempt', async () => {
  receiver.reply = () => ({ status: 503 });
  const { userId, id } = await addWebhook(fixture.database, { url: receiver.url });
  const messageId = await sendToWebhooks(fixture.database, userId);
  const worker = startWorker({ random: () => 0 });
  for (let attempt = 1; attempt < WEBHOOK_ATTEMPTS_MAX; attempt += 1) {
    await vi.waitFor(hasAttempts(attempt), SOON);
    const [row] = await deliveries();
    expect(row).toMatchObject({ status: 'PENDING', attempts: attempt });
    await skipTheWait();
  }
  await vi.waitFor(async () => expect(await statuses()).toEqual(['FAILED']), SOON);
  await worker.stop();
  expect(receiver.received).toHaveLength(WEBHOOK_ATTEMPTS_MAX);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([messageId]));
  expect((await logOf()).every(({ error }) => error === 'STATUS_503')).toBe(true);
  // It has not failed for a day yet.
  expect(await webhook(id)).toMatchObject({ enabled: true, failingSince: expect.any(Date) });
});

test('the log of a delivery keeps its last 20 attempts', async () => {
  const { userId } = await addWebhook(fixture.database, { url: receiver.url });
  await sendToWebhooks(fixture.database, userId);
  const log = Array.from({ length: 20 }, (_, durationMs) => ({
    startedAt: new Date(0),
    durationMs,
    statusCode: 500,
    error: 'STATUS_500',
  }));
  await fixture.database.webhookDelivery.updateMany({ data: { log: JSON.stringify(log) } });
  await workUntil(async () => expect(await statuses()).toEqual(['DELIVERED']));
  expect(await logOf()).toMatchObject([...log.slice(1).map(({ durationMs }) => ({ durationMs })), { statusCode: 204 }]);
});

test('an endpoint that fails for a day is switched off, its other deliveries fail, and its owner gets one mail', async () => {
  const server = await startMailServer();
  const mail = createEmailChannel({
    server: { host: server.host, port: server.port, secure: false },
    from: 'tickets@example.com',
    requireTls: false,
  });
  receiver.reply = () => ({ status: 500 });
  const { userId, id } = await addWebhook(fixture.database, { url: receiver.url });
  await fixture.database.contact.create({ data: { userId, name: 'Olga', email: 'olga@example.com' } });
  await sendToWebhooks(fixture.database, userId);
  await workUntil(hasAttempts(1));
  expect(await webhook(id)).toMatchObject({ enabled: true });
  await fixture.database.webhook.update({
    where: { id },
    data: { failingSince: new Date(Date.now() - 24 * HOUR_MS - 60_000) },
  });
  await skipTheWait();
  await workUntil(async () => expect(await webhook(id)).toMatchObject({ enabled: false, disabledReason: 'FAILING' }));
  await skipTheWait();
  await workUntil(async () => expect(await statuses()).toEqual(['FAILED']));
  expect(receiver.received).toHaveLength(2);
  await sendToWebhooks(fixture.database, userId);
  expect(await deliveries()).toHaveLength(1);

  const tell = (send: SendMail) =>
    createWebhookNoticeWorker({ send, retryHours: 24, database: fixture.sql, logger: quiet().logger });
  const failing = tell(() => Promise.reject(new Error('a fault of the mail server')));
  await vi.waitFor(async () => expect(await webhook(id)).toMatchObject({ noticeAttempts: 1 }), SOON);
  await failing.stop();
  const replicas = [tell(mail.send), tell(mail.send)];
  await vi.waitFor(async () => expect(await webhook(id)).toMatchObject({ noticeDueAt: null }), SOON);
  await Promise.all(replicas.map((replica) => replica.stop()));
  expect(server.mails).toMatchObject([
    { subject: 'Webhook switched off: 127.0.0.1', to: [{ address: 'olga@example.com' }] },
  ]);
  mail.close();
  await server.stop();
});

test('a success in between keeps a failing endpoint on', async () => {
  const { userId, id } = await addWebhook(fixture.database, { url: receiver.url });
  await fixture.database.webhook.update({ where: { id }, data: { failingSince: new Date(0) } });
  await sendToWebhooks(fixture.database, userId);
  await workUntil(async () => expect(await statuses()).toEqual(['DELIVERED']));
  expect(await webhook(id)).toMatchObject({ enabled: true, failingSince: null });
});

test('an endpoint that gets another URL or is switched on again has its failures forgotten', async () => {
  const { userId, id } = await addWebhook(fixture.database, { url: receiver.url });
  const fail = (data: object) =>
    fixture.database.webhook.update({ where: { id }, data: { failingSince: new Date(0), ...data } });
  const update = (input: object) =>
    updateWebhook(fixture, { caller: { userId, role: 'USER' }, input: { id, ...input } });
  await fail({});
  await update({ kinds: ['EVENT_UPDATED'] });
  expect(await webhook(id)).toMatchObject({ kinds: 'EVENT_UPDATED', failingSince: new Date(0) });
  await update({ url: `${receiver.url}/other` });
  expect(await webhook(id)).toMatchObject({ failingSince: null });
  await fail({ enabled: false, disabledReason: 'FAILING', noticeDueAt: new Date() });
  await update({ enabled: true });
  expect(await webhook(id)).toMatchObject({
    enabled: true,
    disabledReason: null,
    failingSince: null,
    noticeDueAt: null,
  });
});

test('410 switches the endpoint off at once', async () => {
  receiver.reply = () => ({ status: 410 });
  const { userId, id } = await addWebhook(fixture.database, { url: receiver.url });
  await sendToWebhooks(fixture.database, userId);
  await workUntil(async () => expect(await statuses()).toEqual(['FAILED']));
  expect(await webhook(id)).toMatchObject({ enabled: false, disabledReason: 'GONE', noticeDueAt: expect.any(Date) });
});

test('a private address is refused and logged, and nothing is sent', async () => {
  const strict = createWebhookSender({ resolve: async () => ['127.0.0.1'] });
  const { userId } = await addWebhook(fixture.database, { url: `http://hooks.example:${receiver.port}/` });
  await sendToWebhooks(fixture.database, userId);
  await workUntil(hasAttempts(1), { sender: strict });
  expect(await logOf()).toMatchObject([{ error: 'ADDRESS_NOT_ALLOWED' }]);
  expect(receiver.received).toEqual([]);
  await strict.close();
});

test('a slow endpoint with many deliveries does not delay another endpoint', async () => {
  const slow = await addWebhook(fixture.database, { url: `${receiver.url}/slow` });
  const fast = await addWebhook(fixture.database, { url: `${receiver.url}/fast` });
  receiver.reply = ({ path }) => (path.endsWith('/slow') ? 'hang' : { status: 204 });
  for (let index = 0; index < 3 * LIMITS.perEndpoint; index += 1) await sendToWebhooks(fixture.database, slow.userId);
  const worker = startWorker();
  const requestsTo = (name: string) => receiver.received.filter(({ path }) => path.endsWith(name)).length;
  await vi.waitFor(() => expect(requestsTo('/slow')).toBe(LIMITS.perEndpoint), SOON);
  for (let index = 0; index < 20; index += 1) await sendToWebhooks(fixture.database, fast.userId);
  worker.nudge();
  await vi.waitFor(() => expect(requestsTo('/fast')).toBe(20), SOON);
  expect(requestsTo('/slow')).toBe(LIMITS.perEndpoint);
  await receiver.stop();
  await worker.stop();
});

test('concurrent replicas send each delivery once', async () => {
  const { userId } = await addWebhook(fixture.database, { url: receiver.url });
  for (let index = 0; index < 50; index += 1) await sendToWebhooks(fixture.database, userId);
  const replicas = [startWorker(), startWorker(), startWorker()];
  await vi.waitFor(async () => expect(new Set(await statuses())).toEqual(new Set(['DELIVERED'])), SOON);
  await Promise.all(replicas.map((replica) => replica.stop()));
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(50);
  expect(receiver.received).toHaveLength(50);
});

test('a delivery whose process died is sent again with the same id after its lease, and not before', async () => {
  const { userId } = await addWebhook(fixture.database, { url: receiver.url });
  const messageId = await sendToWebhooks(fixture.database, userId);
  // The request arrives, and the process dies before it saves the outcome: its connection to the database is cut.
  const proxy = await createProxy(fixture.url);
  const dying = connectDatabase(proxy.url);
  const worker = startWorker({
    database: dying.sql,
    sender: {
      async send(request) {
        const answer = await sender.send(request);
        proxy.cut();
        return answer;
      },
    },
  });
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1), SOON);
  await worker.stop().catch(() => undefined);
  await dying.pool.end();
  proxy.close();
  const [row] = await deliveries();
  expect(row).toMatchObject({ status: 'PENDING', attempts: 1 });
  expect(row?.nextAttemptAt.getTime()).toBeGreaterThan((row?.createdAt.getTime() ?? 0) + 20_000);
  await skipTheWait();
  await workUntil(async () => expect(await statuses()).toEqual(['DELIVERED']));
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([messageId, messageId]);
});

test('a worker that stops waits for its requests and saves their outcomes', async () => {
  let answer: (() => void) | undefined;
  const { userId } = await addWebhook(fixture.database, { url: receiver.url });
  await sendToWebhooks(fixture.database, userId);
  const worker = startWorker({
    sender: {
      async send() {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return { statusCode: 200, error: null };
      },
    },
  });
  await vi.waitFor(() => expect(answer).toBeDefined(), SOON);
  const stopped = worker.stop();
  answer?.();
  await stopped;
  expect(await statuses()).toEqual(['DELIVERED']);
});

test('after a rotation both secrets sign, and with 0 hours only the new one', async () => {
  const { userId, id } = await addWebhook(fixture.database, { url: receiver.url });
  const dependencies = { database: fixture.database, webhooks: testWebhooks, newId };
  const rotate = async (keepHours: number) =>
    (await rotateWebhookSecret(dependencies, { caller: { userId, role: 'USER' }, id, keepHours }))?.secret ?? '';
  const verifies = (secret: string) => {
    const { headers, body } = receiver.received.at(-1) ?? { headers: {}, body: '' };
    try {
      return new Webhook(secret).verify(body, headers as Record<string, string>) !== undefined;
    } catch {
      return false;
    }
  };
  const [second, third] = [await rotate(24), await rotate(24)];
  await sendToWebhooks(fixture.database, userId);
  await workUntil(async () => expect(receiver.received).toHaveLength(1));
  expect([TEST_SECRET, second, third].map(verifies)).toEqual([true, true, true]);
  const fourth = await rotate(0);
  await sendToWebhooks(fixture.database, userId);
  await workUntil(async () => expect(receiver.received).toHaveLength(2));
  expect([TEST_SECRET, second, third, fourth].map(verifies)).toEqual([false, false, false, true]);
  for (let turn = 0; turn < 10; turn += 1) await rotate(24);
  expect(await fixture.database.webhookSecret.count()).toBe(5);
});

test('a redelivery by hand begins all attempts anew, and is refused while the endpoint is off', async () => {
  receiver.reply = () => ({ status: 410 });
  const { userId, id } = await addWebhook(fixture.database, { url: receiver.url });
  const messageId = await sendToWebhooks(fixture.database, userId);
  await workUntil(async () => expect(await statuses()).toEqual(['FAILED']));
  const [row] = await deliveries();
  const request = { caller: { userId, role: 'USER' }, deliveryId: row?.id ?? '' } as const;
  const redeliver = () => redeliverWebhook({ database: fixture.database, webhooks: testWebhooks }, request);
  expect(await redeliver()).toEqual({ outcome: 'disabled' });
  await fixture.database.webhook.update({ where: { id }, data: { enabled: true, disabledReason: null } });
  receiver.reply = () => ({ status: 200 });
  expect(await redeliver()).toMatchObject({ outcome: 'redelivered', delivery: { status: 'PENDING', attempts: 0 } });
  await workUntil(async () => expect(await statuses()).toEqual(['DELIVERED']));
  expect(await logOf()).toHaveLength(2);
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([messageId, messageId]);
});

test('the metrics count attempts by outcome, waiting deliveries and endpoints by state', async () => {
  const registry = new Registry();
  const metrics = createWebhookMetrics({ database: fixture.sql, metrics: registry });
  const { userId } = await addWebhook(fixture.database, { url: receiver.url });
  const { id } = await addWebhook(fixture.database, {});
  await fixture.database.webhook.update({ where: { id }, data: { enabled: false, disabledReason: 'GONE' } });
  await sendToWebhooks(fixture.database, userId);
  expect(await registry.metrics()).toContain('webhook_pending_deliveries 1');
  await workUntil(async () => expect(await statuses()).toEqual(['DELIVERED']), { metrics });
  const text = await registry.metrics();
  expect(text).toContain('webhook_attempts_total{outcome="delivered"} 1');
  expect(text).toContain('webhook_attempts_total{outcome="failed"} 0');
  expect(text).toContain('webhooks_disabled{reason="GONE"} 1');
  expect(text).toContain('webhooks_disabled{reason="FAILING"} 0');
  expect(text).toContain('webhook_unassigned_messages 0');
});
