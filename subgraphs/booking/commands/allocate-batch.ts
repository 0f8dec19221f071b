import type { SqlExecutor } from '#platform/database.ts';
import { appendToOutbox } from '#platform/outbox/append.ts';
import type { Transact } from '#platform/transactions.ts';
import {
  type Decision,
  decide,
  type LockedState,
  type SeatRequest,
  scopedKey,
  type Writes,
} from '../domain/allocation.ts';
import { bookingMessage } from '../messaging/booking-changed.ts';
import { cancelBookings } from '../store/allocation/cancel-bookings.ts';
import { findBookings } from '../store/allocation/find-bookings.ts';
import { findKeyedBookings } from '../store/allocation/find-keyed-bookings.ts';
import { insertBookings } from '../store/allocation/insert-bookings.ts';
import { lockInventories } from '../store/allocation/lock-inventories.ts';
import { saveInventories } from '../store/allocation/save-inventories.ts';

/** Commits a batch of seat requests. @throws when nothing was committed, or the commit's outcome is unknown */
export type AllocateBatch = (batch: readonly SeatRequest[]) => Promise<Decision['outcomes']>;

/**
 * One transaction for the whole batch: lock the inventories in sorted order, then read keys and bookings, decide,
 * and write seats, bookings and outbox together. Seats change under the inventory's lock only, so what was read
 * stays true until the commit.
 */
export const createBatchAllocation =
  ({ transact, newId }: { transact: Transact; newId: () => string }): AllocateBatch =>
  (batch) =>
    transact(async (transaction) => {
      const state = await lockState(transaction, batch);
      const { outcomes, writes } = decide(batch, state);
      await save(transaction, writes, newId);
      return outcomes;
    });

async function lockState(transaction: SqlExecutor, batch: readonly SeatRequest[]): Promise<LockedState> {
  const books = batch.filter((request) => request.kind === 'book');
  const cancels = batch.filter((request) => request.kind === 'cancel');
  const inventories = await lockInventories(transaction, [...new Set(batch.map(({ eventId }) => eventId))]);
  const keyed = books.length > 0 ? await findKeyedBookings(transaction, books) : [];
  const bookings =
    cancels.length > 0
      ? await findBookings(
          transaction,
          cancels.map(({ bookingId }) => bookingId),
        )
      : [];
  return {
    // Without an inventory nothing is decided by the clock.
    now: inventories[0]?.now ?? new Date(0),
    inventories: new Map(inventories.map(({ now: _, ...inventory }) => [inventory.eventId, inventory])),
    bookings: new Map(bookings.map((booking) => [booking.id, booking])),
    keys: new Map(
      keyed.map(({ callerId, idempotencyKey, ...booking }) => [scopedKey(callerId, idempotencyKey), booking]),
    ),
  };
}

/** Writes a decision with the messages that tell of it. */
export async function save(transaction: SqlExecutor, writes: Writes, newId: () => string): Promise<void> {
  const { booked, cancelled, inventories } = writes;
  await insertBookings(transaction, booked);
  await cancelBookings(transaction, cancelled);
  await saveInventories(transaction, inventories);
  await appendToOutbox(transaction, 'booking', [
    ...booked.map(({ booking, request: { requestId } }) =>
      bookingMessage('booking.confirmed.v1', booking, { messageId: newId(), requestId }),
    ),
    ...cancelled.map(({ booking, request: { requestId } }) =>
      bookingMessage('booking.cancelled.v1', booking, { messageId: newId(), requestId }),
    ),
  ]);
}
