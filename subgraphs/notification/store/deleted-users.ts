import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';
import { findWebhookIdsOf } from './webhooks.ts';

/** Longer than any transaction, and longer than the deliveries of a message until it becomes a dead letter. */
const REPEAT_HOURS = 1;
/** Small enough for one transaction. The pruning deletes the rest. */
const DELETED_AT_ONCE = 1_000;

/**
 * Remembers users who deleted their accounts and forgets them. The ids stay forever: they make the statements that save
 * contacts, mails, notifications and webhooks leave them out later.
 */
export async function saveDeletedUsers(transaction: SqlExecutor, userIds: readonly string[]): Promise<void> {
  const rows = userIds.map((userId) => sql`(${userId})`);
  await transaction.$executeRaw(sql`
    INSERT INTO deleted_users (user_id) VALUES ${join(rows)}
    ON DUPLICATE KEY UPDATE user_id = deleted_users.user_id`);
  await forget(transaction, userIds, DELETED_AT_ONCE);
}

/**
 * Forgets the users who deleted their accounts in the last hour again. This deletes what is too much for one transaction,
 * and what a concurrent transaction saved that did not see the deletion yet.
 */
export const pruneDeletedUsers =
  (database: SqlExecutor): Prune =>
  async (limit) => {
    const users = await database.$queryRaw<{ userId: string }[]>(sql`
      SELECT user_id AS userId FROM deleted_users
      WHERE received_at > CURRENT_TIMESTAMP(3) - INTERVAL ${REPEAT_HOURS} HOUR`);
    const userIds = users.map(({ userId }) => userId);
    return users.length === 0 ? 0 : forget(database, userIds, limit);
  };

/**
 * Deletes data of users, at most `limit` rows of each kind. Returns the number of rows, or `limit` if there may be more.
 * Deliveries to webhooks beyond the limit are left to pruneWebhookDeliveries.
 */
async function forget(executor: SqlExecutor, userIds: readonly string[], limit: number): Promise<number> {
  const ids = join([...userIds]);
  const isAboutUser = join(
    userIds.map((userId) => sql`LOCATE(${userId}, payload) > 0`),
    ' OR ',
  );
  const statements = [
    sql`DELETE FROM contacts WHERE user_id IN (${ids}) LIMIT ${limit}`,
    sql`DELETE FROM account_mails WHERE user_id IN (${ids}) LIMIT ${limit}`,
    sql`DELETE FROM event_bookings WHERE user_id IN (${ids}) LIMIT ${limit}`,
    sql`DELETE FROM notifications WHERE user_id IN (${ids}) LIMIT ${limit}`,
    // A failed deletion contains only the id, and an admin can redrive it.
    sql`DELETE FROM dead_letters WHERE subject LIKE 'user.%' AND subject NOT LIKE 'user.deleted.%' AND (${isAboutUser})
        LIMIT ${limit}`,
    ...deleteWebhooks(await findWebhookIdsOf(executor, userIds), limit),
  ];
  let deleted = 0;
  for (const statement of statements) deleted += await executor.$executeRaw(statement);
  return Math.min(deleted, limit);
}

/** The deliveries come first, as in saveWebhookAttempts, so that the two do not wait for each other. */
function deleteWebhooks(webhookIds: readonly string[], limit: number): Sql[] {
  if (webhookIds.length === 0) return [];
  const ids = join([...webhookIds]);
  return [
    sql`DELETE FROM webhook_deliveries WHERE webhook_id IN (${ids}) LIMIT ${limit}`,
    sql`DELETE FROM webhook_secrets WHERE webhook_id IN (${ids})`,
    sql`DELETE FROM webhooks WHERE id IN (${ids})`,
  ];
}
