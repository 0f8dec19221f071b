import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Inventory } from '../../domain/inventory.ts';

/** A locked inventory, and the database's clock. */
export interface LockedInventory extends Inventory {
  readonly now: Date;
}

/**
 * Locks those of the inventories that no other transaction holds, until this one ends, and waits for none. `heldEventIds`
 * are the events whose inventory exists and is held; an event in neither answer has no inventory.
 */
export async function lockFreeInventories(
  transaction: SqlExecutor,
  eventIds: readonly string[],
): Promise<{ inventories: LockedInventory[]; heldEventIds: ReadonlySet<string> }> {
  const inventories = await lock(transaction, eventIds, sql`FOR UPDATE SKIP LOCKED`);
  const locked = new Set(inventories.map(({ eventId }) => eventId));
  const missing = eventIds.filter((eventId) => !locked.has(eventId));
  if (missing.length === 0) return { inventories, heldEventIds: new Set() };
  // A plain read sees held rows, too.
  const held = await transaction.$queryRaw<{ eventId: string }[]>(sql`
    SELECT event_id AS eventId FROM inventories WHERE event_id IN (${join(missing)})`);
  return { inventories, heldEventIds: new Set(held.map(({ eventId }) => eventId)) };
}

/**
 * Locks one inventory until the transaction ends; waits in the database's queue for whoever holds it. Undefined when
 * there is none. @throws the database's lock time-out
 */
export async function lockInventory(transaction: SqlExecutor, eventId: string): Promise<LockedInventory | undefined> {
  const [inventory] = await lock(transaction, [eventId], sql`FOR UPDATE`);
  return inventory;
}

/**
 * The ids are a list and not a JSON_TABLE, which MySQL refuses in a locking read (error 3569). The index is named because
 * a small table would be scanned instead, and the scan would lock other events' rows for a moment.
 */
async function lock(transaction: SqlExecutor, eventIds: readonly string[], mode: Sql): Promise<LockedInventory[]> {
  if (eventIds.length === 0) return [];
  return transaction.$queryRaw<LockedInventory[]>(sql`
    SELECT event_id AS eventId, organizer_id AS organizerId, starts_at AS startsAt, status,
           total_seats AS totalSeats, available_seats AS availableSeats, CURRENT_TIMESTAMP(3) AS now
    FROM inventories FORCE INDEX (PRIMARY)
    WHERE event_id IN (${join(eventIds)})
    ${mode}`);
}
