import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '../database.ts';

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

const PRUNE_BATCH = 5_000;
/** Twice as long as the broker keeps a message: a redelivery always finds its row. */
const KEEP_DAYS = 14;

/** Deletes some of the inbox rows that no redelivery can need any more; answers whether there may be more. */
export async function pruneInbox(database: SqlExecutor): Promise<boolean> {
  const deleted = await database.$executeRaw(sql`
    DELETE FROM inbox WHERE received_at < CURRENT_TIMESTAMP(3) - INTERVAL ${KEEP_DAYS} DAY LIMIT ${PRUNE_BATCH}`);
  return deleted === PRUNE_BATCH;
}
