import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '../database/database.ts';
import type { Prune } from '../database/pruning.ts';
import { STREAM_KEEP_DAYS } from './stream-keeper.ts';

/**
 * Records messages as received by a consumer, in the transaction of their effect. Returns the ids of the messages that
 * are new. A redelivered message has a row already and has no second effect. When two replicas process the same message
 * at once, the primary key makes the later transaction fail, and it is retried.
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

/** Twice as long as a stream keeps acknowledged messages, so that a redelivered message always has its row. */
const INBOX_KEEP_DAYS = 2 * STREAM_KEEP_DAYS;

/** Deletes rows that are too old for any redelivery. */
export const pruneInbox =
  (database: SqlExecutor): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM inbox WHERE received_at < CURRENT_TIMESTAMP(3) - INTERVAL ${INBOX_KEEP_DAYS} DAY LIMIT ${limit}`);
