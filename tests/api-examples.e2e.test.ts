import { randomUUID } from 'node:crypto';
import { type DocumentNode, parse, print } from 'graphql';
import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Client, createClient } from '#client/client.ts';
import { SetCapacityDocument } from '#client/generated/graphql.ts';
import { createMemoryStore, type Session } from '#client/sessions.ts';
import { type Example, readExamples } from '#scripts/api-docs.ts';
import { signUpAdmin } from './support/client.ts';
import { connectTo } from './support/invariants.ts';
import { subscribe } from './support/stream-client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const HOUR_MS = 3_600_000;

type Data = Readonly<Record<string, unknown>>;

describe('docs/api-examples.graphql, executed in order', () => {
  let system: TestSystem;
  let notifications: Connection;
  let admin: Client;
  let user: Client;
  const session = createMemoryStore();
  /** The values of the placeholders: the ids of objects, and tokens. */
  const known = new Map<string, string>([['deadLetterId', randomUUID()]]);

  beforeAll(async () => {
    system = await startTestSystem();
    notifications = await connectTo(system.databaseUrls.notification);
    const { accessToken = '' } = await signUpAdmin(system);
    const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
    const adminSession = createMemoryStore({ accessToken, expiresAt } as Session);
    admin = createClient({ url: system.graphqlUrl, store: adminSession });
    user = createClient({ url: system.graphqlUrl, store: session });
    for (const id of [known.get('deadLetterId'), randomUUID()]) {
      await notifications.query(
        `INSERT INTO dead_letters (id, consumer, subject, payload, reason, deliveries)
         VALUES (?, 'notification-bookings', 'booking.confirmed.v1', '{}', 'an example', 10)`,
        [id],
      );
    }
  });
  afterAll(() => Promise.all([notifications?.end(), system?.stop()]));

  /** Remembers the id of each object, under the name of its field, and the tokens. */
  function learn(value: unknown, name = ''): void {
    if (typeof value === 'string' && name !== '') known.set(name, value);
    if (typeof value !== 'object' || value === null) return;
    for (const [field, inner] of Object.entries(value)) learn(inner, field === 'id' ? `${name}Id` : field);
  }

  /** Waits for the booking's notification and lets its delivery fail, so that there is one to retry. */
  async function failNotification(): Promise<void> {
    await vi.waitFor(
      async () => {
        const [row] = await notifications.query<{ id: string }[]>("SELECT id FROM notifications WHERE status = 'SENT'");
        expect(row).toBeDefined();
        known.set('notificationId', row?.id ?? '');
      },
      { timeout: 20_000, interval: 100 },
    );
    await notifications.query("UPDATE notifications SET status = 'FAILED' WHERE id = ?", [known.get('notificationId')]);
  }

  /** Puts a known token in the place of the one that was mailed, because tests send no mail. */
  async function knowMailedToken(): Promise<void> {
    const token = randomUUID();
    known.set('mailedToken', token);
    const users = await connectTo(system.databaseUrls.user);
    await users.query('UPDATE account_tokens SET token_hash = SHA2(?, 256)', [token]);
    await users.end();
  }

  /** Makes a hold that is not confirmed, of a further seat, so that there is one to release. */
  async function holdAgain(): Promise<void> {
    await user.request(SetCapacityDocument, { input: { eventId: known.get('eventId') ?? '', totalSeats: 3 } });
    const result = await user.hold({ eventId: known.get('eventId') ?? '', seatCount: 1 });
    if (result.__typename !== 'HoldSeatsPayload') throw new Error(result.message);
    known.set('holdId', result.hold.id);
  }

  /** Waits for a delivery of the booking's message to the endpoint. */
  async function findDelivery(): Promise<void> {
    await vi.waitFor(
      async () => {
        const [row] = await notifications.query<{ id: string }[]>('SELECT id FROM webhook_deliveries');
        expect(row).toBeDefined();
        known.set('webhookDeliveryId', row?.id ?? '');
      },
      { timeout: 20_000, interval: 100 },
    );
  }

  async function firstAnswer(document: DocumentNode, variables: object): Promise<{ data?: Data; errors?: unknown }> {
    const { accessToken = '' } = (await session.load()) ?? {};
    const stream = await subscribe({ accessToken }, print(document), { url: system.graphqlUrl, variables });
    try {
      await vi.waitFor(() => expect(stream.answers).not.toEqual([]), { timeout: 20_000, interval: 50 });
      return stream.answers[0] ?? {};
    } finally {
      stream.close();
    }
  }

  it.each(readExamples())('$field answers as described', async ({ field, query, variables, isForAdmin }: Example) => {
    if (field === 'retryNotification') await failNotification();
    if (field === 'verifyEmail' || field === 'resetPassword') await knowMailedToken();
    if (field === 'releaseHold') await holdAgain();
    if (field === 'redeliverWebhook') await findDelivery();
    const filled = (variables ?? '{}').replaceAll(/<(\w+)>/g, (_, name) => known.get(name) ?? `no ${name}`);
    const execute = query.startsWith('subscription') ? firstAnswer : (isForAdmin ? admin : user).execute<Data, object>;
    const { data, errors } = await execute(parse(query), JSON.parse(filled));
    expect(errors).toBeUndefined();
    // A refusal has a code. An unexpected member of a union has no fields.
    const result = data?.[field] as { nodes?: unknown[]; accessToken?: string };
    expect(result).toBeTruthy();
    expect(result).not.toHaveProperty('code');
    expect(result).not.toEqual({});
    if (result.nodes !== undefined) expect(result.nodes).not.toEqual([]);
    learn(result, field);
    if (result.accessToken !== undefined) await session.save(result as Session);
  });
});
