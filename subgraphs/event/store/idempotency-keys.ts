import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';

/** A client's key, in the scope of its user. */
export interface ScopedKey {
  readonly userId: string;
  readonly idempotencyKey: string;
}

/** What was made under a key: the event, and the fingerprint of the request for it. */
export interface KeyedEvent {
  readonly eventId: string;
  readonly fingerprint: string;
}

/** What was made under this key, if anything was. */
export async function findKeyedEvent(
  executor: SqlExecutor,
  { userId, idempotencyKey }: ScopedKey,
): Promise<KeyedEvent | undefined> {
  const [row] = await executor.$queryRaw<KeyedEvent[]>(sql`
    SELECT event_id AS eventId, fingerprint FROM idempotency_keys
    WHERE user_id = ${userId} AND idempotency_key = ${idempotencyKey}`);
  return row;
}

/**
 * Takes the key for an event; waits while another transaction is taking it.
 * @throws the database's duplicate-key error when it is taken
 */
export async function insertKeyedEvent(
  transaction: SqlExecutor,
  { userId, idempotencyKey, eventId, fingerprint }: ScopedKey & KeyedEvent,
): Promise<void> {
  await transaction.$executeRaw(sql`
    INSERT INTO idempotency_keys (user_id, idempotency_key, event_id, fingerprint)
    VALUES (${userId}, ${idempotencyKey}, ${eventId}, ${fingerprint})`);
}

/** Deletes keys older than their time to live, by the database's clock. */
export const pruneIdempotencyKeys =
  (executor: SqlExecutor, ttlS: number): Prune =>
  (limit) =>
    executor.$executeRaw(sql`
      DELETE FROM idempotency_keys
      WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL ${ttlS} SECOND LIMIT ${limit}`);
