import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';

/** An idempotency key and the user who sent it. */
export interface ScopedKey {
  readonly userId: string;
  readonly idempotencyKey: string;
}

/** The event that was created with a key, and the fingerprint of the request. */
export interface KeyedEvent {
  readonly eventId: string;
  readonly fingerprint: string;
}

/** Returns the event that was created with this key, or undefined when the key is new. */
export async function findKeyedEvent(
  executor: SqlExecutor,
  { userId, idempotencyKey }: ScopedKey,
): Promise<KeyedEvent | undefined> {
  const [row] = await executor.$queryRaw<KeyedEvent[]>(sql`
    SELECT event_id AS eventId, fingerprint FROM idempotency_keys
    WHERE user_id = ${userId} AND idempotency_key = ${idempotencyKey}`);
  return row;
}

/** Saves a key, after other transactions that save it. @throws the duplicate-key error when it was already used */
export async function insertKeyedEvent(
  transaction: SqlExecutor,
  { userId, idempotencyKey, eventId, fingerprint }: ScopedKey & KeyedEvent,
): Promise<void> {
  await transaction.$executeRaw(sql`
    INSERT INTO idempotency_keys (user_id, idempotency_key, event_id, fingerprint)
    VALUES (${userId}, ${idempotencyKey}, ${eventId}, ${fingerprint})`);
}
