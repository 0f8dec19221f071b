import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Webhook, WebhookDisabledReason, WebhookKind } from '../domain/webhook.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import type { NotificationDatabase } from './database.ts';

/** A Prisma client or one of its transactions. */
type WebhookTable = Pick<NotificationDatabase, 'webhook'>;

/** Returns the endpoints of these users, oldest first. */
export async function findWebhooksOf(database: WebhookTable, userIds: readonly string[]): Promise<Webhook[]> {
  const rows = await database.webhook.findMany({ where: { userId: { in: [...userIds] } }, orderBy: { id: 'asc' } });
  return rows.map(toWebhook);
}

/** Returns the ids of the endpoints of these users. */
export async function findWebhookIdsOf(executor: SqlExecutor, userIds: readonly string[]): Promise<string[]> {
  const rows = await executor.$queryRaw<{ id: string }[]>(sql`
    SELECT id FROM webhooks WHERE user_id IN (${join([...userIds])})`);
  return rows.map(({ id }) => id);
}

export async function findWebhook(database: WebhookTable, id: string): Promise<Webhook | undefined> {
  const row = await database.webhook.findUnique({ where: { id } });
  return row === null ? undefined : toWebhook(row);
}

/** Locks an endpoint until the transaction ends, and returns it. */
export async function lockWebhook(transaction: WebhookTable & SqlExecutor, id: string): Promise<Webhook | undefined> {
  await transaction.$queryRaw(sql`SELECT id FROM webhooks WHERE id = ${id} FOR UPDATE`);
  return findWebhook(transaction, id);
}

/** Makes other transactions that add endpoints of this user wait, until this one ends, if the user is known here. */
export async function lockOwner(transaction: SqlExecutor, userId: string): Promise<void> {
  await transaction.$queryRaw(sql`SELECT user_id FROM contacts WHERE user_id = ${userId} FOR UPDATE`);
}

/**
 * Adds an endpoint. Returns false if its owner has deleted their account.
 * @throws the duplicate-key error when the user has an endpoint with this URL
 */
export async function insertWebhook(
  transaction: SqlExecutor,
  { id, userId, url, kinds }: Pick<Webhook, 'id' | 'userId' | 'url' | 'kinds'>,
): Promise<boolean> {
  const added = await transaction.$executeRaw(sql`
    INSERT INTO webhooks (id, user_id, url, kinds)
    SELECT ${id}, ${userId}, ${url}, ${kinds.join()} FROM DUAL
    WHERE NOT EXISTS (SELECT 1 FROM deleted_users WHERE user_id = ${userId})`);
  return added === 1;
}

/** @throws the duplicate-key error when the user has another endpoint with this URL */
export async function saveWebhook(
  transaction: SqlExecutor,
  { id, url, kinds, enabled, disabledReason }: Webhook,
): Promise<void> {
  // An endpoint that is switched on or gets another URL begins anew. Its owner knows its state, so there is no mail.
  await transaction.$executeRaw(sql`
    UPDATE webhooks SET
      failing_since = IF(url <> ${url} OR (${enabled} AND NOT enabled), NULL, failing_since),
      notice_due_at = NULL,
      url = ${url}, kinds = ${kinds.join()}, enabled = ${enabled}, disabled_reason = ${disabledReason}
    WHERE id = ${id}`);
}

/** Deletes an endpoint and its secrets. Its deliveries are pruned later. */
export async function deleteWebhookRows(transaction: SqlExecutor, id: string): Promise<void> {
  await transaction.$executeRaw(sql`DELETE FROM webhooks WHERE id = ${id}`);
  await transaction.$executeRaw(sql`DELETE FROM webhook_secrets WHERE webhook_id = ${id}`);
}

/** Switches endpoints off and makes the mail to their owners due. Those that are already off stay unchanged. */
export async function disableWebhooks(
  transaction: SqlExecutor,
  ids: readonly string[],
  reason: WebhookDisabledReason,
): Promise<void> {
  if (ids.length === 0) return;
  await transaction.$executeRaw(sql`
    UPDATE webhooks
    SET enabled = FALSE, disabled_reason = ${reason}, notice_attempts = 0, notice_due_at = CURRENT_TIMESTAMP(3)
    WHERE id IN (${join([...ids])}) AND enabled`);
}

/** Counting stops here, which limits its cost. */
const COUNT_MAX = 100_000;

/** Returns the numbers of endpoints that are off by reason, each at most COUNT_MAX. */
export async function countDisabledWebhooks(database: SqlExecutor): Promise<Record<WebhookDisabledReason, number>> {
  const count = (reason: WebhookDisabledReason) => sql`(
    SELECT COUNT(*) FROM (SELECT 1 FROM webhooks WHERE disabled_reason = ${reason} LIMIT ${COUNT_MAX}) AS counted)`;
  const [row] = await database.$queryRaw<Record<WebhookDisabledReason, bigint>[]>(sql`
    SELECT ${count('OWNER')} AS OWNER, ${count('GONE')} AS GONE, ${count('FAILING')} AS FAILING`);
  return { OWNER: Number(row?.OWNER), GONE: Number(row?.GONE), FAILING: Number(row?.FAILING) };
}

const toWebhook = ({ id, userId, url, kinds, enabled, disabledReason, createdAt }: Prisma.WebhookModel): Webhook => ({
  id,
  userId,
  url,
  kinds: kinds.split(',') as WebhookKind[],
  enabled,
  disabledReason: disabledReason as WebhookDisabledReason | null,
  createdAt,
});
