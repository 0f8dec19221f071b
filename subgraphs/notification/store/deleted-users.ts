import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';

/** Longer than any transaction, and longer than the deliveries of a message until it becomes a dead letter. */
const SWEEP_HOURS = 1;

/**
 * Remembers users who deleted their accounts and forgets how to reach them. The ids stay forever: they make the statements
 * that save contacts, mails and notifications ignore messages that arrive later.
 */
export async function saveDeletedUsers(transaction: SqlExecutor, userIds: readonly string[]): Promise<void> {
  const rows = userIds.map((userId) => sql`(${userId})`);
  await transaction.$executeRaw(sql`
    INSERT INTO deleted_users (user_id) VALUES ${join(rows)}
    ON DUPLICATE KEY UPDATE user_id = deleted_users.user_id`);
  await forgetAddresses(transaction, userIds);
}

async function forgetAddresses(executor: SqlExecutor, userIds: readonly string[]): Promise<number> {
  const ids = join([...userIds]);
  const contacts = await executor.$executeRaw(sql`DELETE FROM contacts WHERE user_id IN (${ids})`);
  const mails = await executor.$executeRaw(sql`DELETE FROM account_mails WHERE user_id IN (${ids})`);
  return contacts + mails;
}

/**
 * Deletes all data of users who deleted their accounts recently: their notifications, in batches because there may be
 * many, and dead letters about them. It repeats for an hour, so it also deletes what a concurrent transaction saved that
 * did not see the deletion yet.
 */
export const pruneDeletedUsers =
  (database: SqlExecutor): Prune =>
  async (limit) => {
    const users = await database.$queryRaw<{ userId: string }[]>(sql`
      SELECT user_id AS userId FROM deleted_users
      WHERE received_at > CURRENT_TIMESTAMP(3) - INTERVAL ${SWEEP_HOURS} HOUR`);
    if (users.length === 0) return 0;
    const userIds = users.map(({ userId }) => userId);
    const addresses = await forgetAddresses(database, userIds);
    const notifications = await database.$executeRaw(sql`
      DELETE FROM notifications WHERE user_id IN (${join(userIds)}) LIMIT ${limit}`);
    if (notifications === limit) return limit;
    const namesUser = join(
      userIds.map((userId) => sql`LOCATE(${userId}, payload) > 0`),
      ' OR ',
    );
    const deadLetters = await database.$executeRaw(sql`
      DELETE FROM dead_letters WHERE subject LIKE 'user.%' AND (${namesUser}) LIMIT ${limit}`);
    return Math.min(addresses + notifications + deadLetters, limit);
  };
