import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlClient, SqlExecutor } from '#platform/database/database.ts';
import type { WebhookNotice } from '../domain/webhook-notice.ts';
import { type ContactColumns, toRecipient } from './contacts.ts';

/** Claims up to `limit` due mails about endpoints that were switched off, with a lease like claimDeliveries. */
export async function claimWebhookNotices(
  database: SqlClient,
  { limit, leaseS }: { limit: number; leaseS: number },
): Promise<WebhookNotice[]> {
  type Row = Omit<WebhookNotice, 'recipient'> & ContactColumns;
  const rows = await database.$transaction(async (transaction) => {
    const due = await transaction.$queryRaw<{ id: string }[]>(sql`
      SELECT id FROM webhooks WHERE notice_due_at <= CURRENT_TIMESTAMP(3)
      ORDER BY notice_due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
    if (due.length === 0) return [];
    const ids = join(due.map(({ id }) => id));
    await transaction.$executeRaw(sql`
      UPDATE webhooks SET notice_attempts = notice_attempts + 1,
        notice_due_at = CURRENT_TIMESTAMP(3) + INTERVAL ${leaseS} SECOND
      WHERE id IN (${ids})`);
    return transaction.$queryRaw<Row[]>(sql`
      SELECT webhooks.id AS webhookId, url, disabled_reason AS reason, notice_attempts AS attempts, name, email
      FROM webhooks LEFT JOIN contacts ON contacts.user_id = webhooks.user_id WHERE webhooks.id IN (${ids})`);
  });
  return rows.map(({ name, email, ...notice }) => ({ ...notice, recipient: toRecipient({ name, email }) }));
}

/**
 * Saves the end of attempt number `attempts`: the next one is in `retryInMs`, or there is none if it is null. Changes
 * nothing if the owner has switched the endpoint on in the meantime.
 */
export async function saveWebhookNotice(
  database: SqlExecutor,
  { webhookId, attempts }: WebhookNotice,
  retryInMs: number | null,
): Promise<void> {
  const dueAt = retryInMs === null ? sql`NULL` : sql`CURRENT_TIMESTAMP(3) + INTERVAL ${retryInMs * 1_000} MICROSECOND`;
  await database.$executeRaw(sql`
    UPDATE webhooks SET notice_due_at = ${dueAt}
    WHERE id = ${webhookId} AND notice_attempts = ${attempts} AND notice_due_at IS NOT NULL`);
}
