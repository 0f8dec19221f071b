import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '../database/database.ts';
import type { Prune } from '../database/pruning.ts';
import { STREAM_KEEP_DAYS } from './stream-keeper.ts';

/**
 * Marks messages as received by a consumer, within the transaction of their effect, and answers which of them are
 * new. A redelivery finds its row and has no second effect; two replicas that take the same message at once collide
 * on the primary key, and the later one's transaction fails and is tried again.
 */
export async function recordInInbox(
  transaction: SqlExecutor,
  consumer: string,
  messageIds: readonly string[],
): Promise<Set<string>> {
  const known = await transaction.$queryRaw<{ message_id: string }[]>(sql`
    SELECT message_id FROM inbox WHERE consumer = ${consumer} AND message_id IN (${join([...messageIds])})`);
  const fresh = new Set(messageIds);
  for (const { message_id } of known) fresh.delete(message_id);
  if (fresh.size > 0) {
    const rows = [...fresh].map((id) => sql`(${consumer}, ${id})`);
    await transaction.$executeRaw(sql`INSERT INTO inbox (consumer, message_id) VALUES ${join(rows)}`);
  }
  return fresh;
}

/** Twice as long as a stream keeps what is acknowledged: a redelivery always finds its row. */
const INBOX_KEEP_DAYS = 2 * STREAM_KEEP_DAYS;

/** Deletes rows that no redelivery can need any more. */
export const pruneInbox =
  (database: SqlExecutor): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM inbox WHERE received_at < CURRENT_TIMESTAMP(3) - INTERVAL ${INBOX_KEEP_DAYS} DAY LIMIT ${limit}`);
