import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Inventory } from '../../domain/inventory.ts';
import { INVENTORY_COLUMNS } from '../inventories.ts';

/** A locked inventory, and the time of the database's clock after it was locked. */
export interface LockedInventory extends Inventory {
  readonly now: Date;
}

/**
 * Locks the inventories that no other transaction has locked, until this transaction ends. Does not wait for locks.
 * `heldEventIds` are the events whose inventory another transaction has locked. An event in neither result has no
 * inventory.
 */
export async function lockFreeInventories(
  transaction: SqlExecutor,
  eventIds: readonly string[],
): Promise<{ inventories: LockedInventory[]; heldEventIds: ReadonlySet<string> }> {
  const inventories = await lock(transaction, eventIds, sql`FOR UPDATE SKIP LOCKED`);
  const locked = new Set(inventories.map(({ eventId }) => eventId));
  const missing = eventIds.filter((eventId) => !locked.has(eventId));
  if (missing.length === 0) return { inventories, heldEventIds: new Set() };
  // A plain read also returns locked rows.
  const held = await transaction.$queryRaw<{ eventId: string }[]>(sql`
    SELECT event_id AS eventId FROM inventories WHERE event_id IN (${join(missing)})`);
  return { inventories, heldEventIds: new Set(held.map(({ eventId }) => eventId)) };
}

/**
 * Locks one inventory until the transaction ends. Waits in the database's queue while another transaction has locked
 * it. Undefined when the inventory does not exist.
 * @throws the database's lock time-out
 */
export async function lockInventory(transaction: SqlExecutor, eventId: string): Promise<LockedInventory | undefined> {
  const [inventory] = await lock(transaction, [eventId], sql`FOR UPDATE`);
  return inventory;
}

/**
 * The ids are an IN list because MySQL refuses JSON_TABLE in a locking read (error 3569). The index is forced because
 * the server would scan a small table instead, and the scan would briefly lock the rows of other events. SYSDATE is the
 * time at which the row is returned. CURRENT_TIMESTAMP would be a time before the wait for the lock.
 */
async function lock(transaction: SqlExecutor, eventIds: readonly string[], mode: Sql): Promise<LockedInventory[]> {
  if (eventIds.length === 0) return [];
  return transaction.$queryRaw<LockedInventory[]>(sql`
    SELECT ${INVENTORY_COLUMNS}, SYSDATE(3) AS now
    FROM inventories FORCE INDEX (PRIMARY)
    WHERE event_id IN (${join(eventIds)})
    ${mode}`);
}
