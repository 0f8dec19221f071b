import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReceivedMessage } from '#platform/messaging/message.ts';
import { applyOnce } from '#platform/messaging/message-handlers.ts';
import { createSealer } from '#platform/messaging/sealer.ts';
import { quiet } from '#platform/testing/messaging.ts';
import { refusal, startMailServer } from '#tests/support/mail-server.ts';
import { createAccountMailWorker } from './commands/account-mail-worker.ts';
import { createWebhook } from './commands/create-webhook.ts';
import { createEmailChannel, type SendMail } from './messaging/email-channel.ts';
import { bookingHandlers, userHandlers } from './messaging/handlers.ts';
import { claimAccountMails, pruneAccountMails } from './store/account-mails.ts';
import { pruneDeletedUsers } from './store/deleted-users.ts';
import { addNotifications, addWebhook, createNotificationDatabase, sendToWebhooks, testWebhooks } from './testing.ts';

const SOON = { timeout: 15_000, interval: 20 };
const sealer = createSealer(['the secret of mailed tokens']);

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

/** Applies messages of the user subgraph, each in a transaction of its own, in this order. */
async function receive(...messages: readonly ReceivedMessage<unknown>[]): Promise<void> {
  const handlers = userHandlers;
  for (const message of messages) {
    const data = handlers[message.type as keyof typeof handlers].schema.parse(message.data);
    await applyOnce(fixture.sql, { consumer: 'notification-users', handlers }, [{ ...message, data }]);
  }
}

const message = (type: string, data: { userId: string }): ReceivedMessage<unknown> => ({
  id: newId(),
  type,
  subject: data.userId,
  time: new Date(),
  correlationId: 'a-request',
  data,
});
const registered = (userId: string) =>
  message('user.registered.v1', { userId, name: 'Ada Lovelace', email: `${userId}@example.com` } as { userId: string });
const deleted = (userId: string) => message('user.deleted.v1', { userId });
const requested = (
  userId: string,
  token: string | null,
  { kind = 'password-reset', lifetimeMs = 60_000 }: { kind?: string; lifetimeMs?: number } = {},
) =>
  message(`user.${kind}-requested.v1`, {
    userId,
    sealedToken: token && sealer.seal(token, userId),
    expiresAt: new Date(Date.now() + lifetimeMs).toISOString(),
  } as { userId: string });

const countMails = () => fixture.database.accountMail.count();
const skipThePause = () => fixture.database.accountMail.updateMany({ data: { nextAttemptAt: new Date(0) } });

function startWorker(send: SendMail | undefined) {
  const { logger } = quiet();
  const lines: unknown[] = [];
  for (const level of ['info', 'warn', 'error'] as const) {
    vi.spyOn(logger, level).mockImplementation((...line: unknown[]) => void lines.push(line));
  }
  const worker = createAccountMailWorker({
    send,
    sealer,
    publicUrl: 'https://shop.example',
    database: fixture.sql,
    logger,
    metrics: new Registry(),
  });
  opened.push(worker.stop);
  return { worker, lines };
}

async function startDelivery(options?: Parameters<typeof startMailServer>[0]) {
  const server = await startMailServer(options);
  opened.push(server.stop);
  const channel = createEmailChannel({
    server: { host: server.host, port: server.port, secure: false },
    from: 'tickets@shop.example',
    requireTls: false,
  });
  opened.push(channel.close);
  return { server, ...startWorker(channel.send) };
}

describe('mails with tokens', () => {
  it('are sent to the contact with a link, and deleted', async () => {
    const userId = newId();
    await receive(registered(userId), requested(userId, 'a-token'));
    expect(JSON.stringify(await fixture.database.accountMail.findMany())).not.toContain('a-token');
    const { server, lines } = await startDelivery();
    await vi.waitFor(() => expect(server.mails).toHaveLength(1), SOON);
    const [mail] = server.mails;
    expect(mail).toMatchObject({ subject: 'Set a new password', to: [{ address: `${userId}@example.com` }] });
    expect(mail?.text).toContain('https://shop.example/reset-password#token=a-token');
    expect(mail?.html).toContain('https://shop.example/reset-password#token=a-token');
    await vi.waitFor(async () => expect(await countMails()).toBe(0), SOON);
    expect(inspect(lines, { depth: 9 })).toContain(userId);
    expect(inspect(lines, { depth: 9 })).not.toMatch(/a-token|example\.com|Lovelace/);
  });

  it('wait until the contact is known', async () => {
    const userId = newId();
    await receive(requested(userId, 'a-token', { kind: 'email-verification' }));
    const { server } = await startDelivery();
    await vi.waitFor(async () => {
      expect(await fixture.database.accountMail.findMany()).toMatchObject([{ attempts: expect.any(Number) }]);
      expect((await fixture.database.accountMail.findMany())[0]?.attempts).toBeGreaterThan(0);
    }, SOON);
    await receive(registered(userId));
    await skipThePause();
    await vi.waitFor(() => expect(server.mails).toHaveLength(1), SOON);
    expect(server.mails[0]?.text).toContain('https://shop.example/verify-email#token=a-token');
  });

  it('are not sent for a request that names no account', async () => {
    await receive(requested(newId(), null));
    expect(await countMails()).toBe(0);
  });

  it('of the last request win, in whatever order the requests arrive', async () => {
    const userId = newId();
    const [first, second] = [requested(userId, 'first-token'), requested(userId, 'second-token')];
    await receive(registered(userId), second, first, second);
    const { server } = await startDelivery();
    await vi.waitFor(async () => expect(await countMails()).toBe(0), SOON);
    expect(server.mails.map(({ text }) => /token=(\S+)/.exec(text ?? '')?.[1])).toEqual(['second-token']);
  });

  it('are retried when the server is away, and given up when it refuses the address', async () => {
    const [postponed, refused] = [newId(), newId()];
    let isAway = true;
    await receive(registered(postponed), requested(postponed, 'a-token'));
    const { server, lines } = await startDelivery({
      onRcptTo: ({ address }, _session, done) =>
        done(isAway ? refusal(451, 'later') : address.startsWith(refused) ? refusal(550, `no ${address}`) : null),
    });
    await vi.waitFor(() => expect(inspect(lines, { depth: 9 })).toContain('it will be retried'), SOON);
    isAway = false;
    await receive(registered(refused), requested(refused, 'another-token'));
    await skipThePause();
    await vi.waitFor(() => expect(inspect(lines, { depth: 9 })).toContain('mail with a token failed'), SOON);
    await vi.waitFor(async () => {
      await skipThePause();
      expect(await countMails()).toBe(0);
    }, SOON);
    expect(server.mails).toHaveLength(1);
    expect(inspect(lines, { depth: 9 })).not.toMatch(/a-token|another-token|example\.com/);
  });

  it('are neither sent nor kept when their tokens have expired', async () => {
    const userId = newId();
    await receive(registered(userId), requested(userId, 'a-token', { lifetimeMs: -1_000 }));
    expect(await claimAccountMails(fixture.sql, { limit: 10, leaseS: 30 })).toEqual([]);
    expect(await pruneAccountMails(fixture.sql)(1_000)).toBe(1);
    expect(await countMails()).toBe(0);
  });

  it('are claimed by one of many processes', async () => {
    const userIds = Array.from({ length: 10 }, () => newId());
    await receive(...userIds.map((userId) => requested(userId, 'a-token')));
    const claims = Array.from({ length: 8 }, () => claimAccountMails(fixture.sql, { limit: 3, leaseS: 30 }));
    const claimed = (await Promise.all(claims)).flat().map(({ mail }) => mail.userId);
    expect(new Set(claimed).size).toBe(claimed.length);
  });

  it('are given up without a mail server, and the token is in no log', async () => {
    const userId = newId();
    await receive(registered(userId), requested(userId, 'a-token'));
    const { lines } = startWorker(undefined);
    await vi.waitFor(async () => expect(await countMails()).toBe(0), SOON);
    expect(inspect(lines, { depth: 9 })).toContain('SMTP_URL is not set');
    expect(inspect(lines, { depth: 9 })).not.toContain('a-token');
  });
});

describe('a deleted user is forgotten', () => {
  async function addData(userId: string): Promise<void> {
    await addNotifications(fixture.database, [{ userId }, { userId, kind: 'BOOKING_CANCELLED' }]);
    await fixture.database.deadLetter.create({
      data: {
        id: newId(),
        consumer: 'notification-users',
        subject: 'user.registered.v1',
        payload: Buffer.from(JSON.stringify({ data: { userId, email: 'ada@example.com' } })),
        reason: 'poison',
        deliveries: 5,
      },
    });
  }

  const dataOf = async (userId: string) => ({
    contacts: await fixture.database.contact.count({ where: { userId } }),
    mails: await fixture.database.accountMail.count({ where: { userId } }),
    notifications: await fixture.database.notification.count({ where: { userId } }),
    deadLetters: await fixture.database.deadLetter.count(),
    webhooks: await fixture.database.webhook.count({ where: { userId } }),
  });
  const NOTHING = { contacts: 0, mails: 0, notifications: 0, deadLetters: 0, webhooks: 0 };

  async function book(userId: string): Promise<void> {
    const data = { bookingId: newId(), eventId: newId(), userId, seatCount: 2 };
    const handlers = bookingHandlers({ channel: 'LOG', newId });
    const confirmed = { ...message('booking.confirmed.v1', data), data };
    const offer = { ...data, holdId: newId(), entryId: newId(), expiresAt: new Date().toISOString() };
    const offered = { ...message('waitlist.offered.v1', offer), data: offer };
    await applyOnce(fixture.sql, { consumer: 'notification-bookings', handlers }, [confirmed, offered]);
  }

  it('with contact, mails, notifications and dead letters; other users keep theirs', async () => {
    const [userId, other] = [newId(), newId()];
    await receive(registered(userId), registered(other), requested(userId, 'a-token'), requested(other, 'a-token'));
    await addData(userId);
    await addNotifications(fixture.database, [{ userId: other }]);
    await receive(deleted(userId));
    expect(await dataOf(userId)).toEqual(NOTHING);
    expect(await dataOf(other)).toEqual({ contacts: 1, mails: 1, notifications: 1, deadLetters: 0, webhooks: 0 });
  });

  it('with webhooks, their secrets and their deliveries; those of other users stay', async () => {
    const [userId, other] = [newId(), newId()];
    for (const owner of [userId, userId, other]) await addWebhook(fixture.database, { userId: owner });
    await sendToWebhooks(fixture.database, userId);
    await sendToWebhooks(fixture.database, other);
    expect(await fixture.database.webhookDelivery.count()).toBe(3);
    await receive(deleted(userId));
    const [webhook, ...others] = await fixture.database.webhook.findMany();
    expect(webhook).toMatchObject({ userId: other });
    expect(others).toEqual([]);
    const ofWebhook = { webhookId: webhook?.id };
    expect(await fixture.database.webhookSecret.findMany()).toMatchObject([ofWebhook]);
    expect(await fixture.database.webhookDelivery.findMany()).toMatchObject([ofWebhook]);
  });

  it('and can add no webhook with an access token that has not expired', async () => {
    const userId = newId();
    await receive(deleted(userId));
    const dependencies = { database: fixture.database, webhooks: testWebhooks, newId };
    const input = { url: 'https://example.com/', kinds: ['EVENT_CREATED' as const] };
    await expect(createWebhook(dependencies, { caller: { userId, role: 'USER' }, input })).rejects.toMatchObject({
      extensions: { code: 'UNAUTHENTICATED' },
    });
    expect(await dataOf(userId)).toEqual(NOTHING);
    expect(await fixture.database.webhookSecret.count()).toBe(0);
  });

  it('in whatever order and however often the messages arrive', async () => {
    const userId = newId();
    const [before, after] = [registered(userId), deleted(userId)];
    await receive(after, before, requested(userId, 'a-token'), after, { ...before, id: newId() });
    await receive({ ...after, id: newId() });
    await book(userId);
    expect(await dataOf(userId)).toEqual(NOTHING);
  });

  it('also when a concurrent transaction saved data that the deletion did not see', async () => {
    const userId = newId();
    await receive(deleted(userId));
    // Like transactions that began before the deletion.
    await fixture.database.contact.create({ data: { userId, name: 'Ada', email: 'ada@example.com' } });
    await fixture.database.notification.create({
      data: {
        id: newId(),
        bookingId: newId(),
        userId,
        eventId: newId(),
        seatCount: 1,
        kind: 'BOOKING_CONFIRMED',
        channel: 'LOG',
      },
    });
    await fixture.database.webhook.create({
      data: { id: newId(), userId, url: 'https://example.com/', kinds: 'EVENT_CREATED' },
    });
    await pruneDeletedUsers(fixture.sql)(1_000);
    expect(await dataOf(userId)).toEqual(NOTHING);
  });

  it('in batches', async () => {
    const userId = newId();
    await addData(userId);
    await fixture.database.deletedUser.create({ data: { userId } });
    const prune = pruneDeletedUsers(fixture.sql);
    expect([await prune(1), await prune(1), await prune(1)]).toEqual([1, 1, 0]);
    expect(await dataOf(userId)).toEqual(NOTHING);
  });
});
