import { runInTrace } from '#platform/clients/deadline.ts';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Transact, Transaction } from '#platform/database/transactions.ts';
import { outboxStatements } from '#platform/outbox/append.ts';
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
import { countUserSeats } from '../store/allocation/count-user-seats.ts';
import { findKeyedBookings } from '../store/allocation/find-keyed-bookings.ts';
import { insertBookings } from '../store/allocation/insert-bookings.ts';
import { type LockedInventory, lockFreeInventories, lockInventory } from '../store/allocation/lock-inventories.ts';
import { saveInventories } from '../store/allocation/save-inventories.ts';
import { findBookings } from '../store/find-bookings.ts';

/** The result of a request that was not decided because another transaction has locked its event's inventory. */
export const HELD = Symbol('held');

export type DecidedOutcome = Decision['outcomes'][number];

export type BatchAllocation = ReturnType<typeof createBatchAllocation>;

/**
 * Handles a whole batch in one transaction: locks the inventories, reads keys and bookings, decides, and writes seats,
 * bookings and outbox messages. For events with a limit of seats per user, one more statement reads the users' seats.
 * Seats change only under the inventory's lock, so the data stays valid until the commit. Transactions cannot deadlock
 * on inventories, because a batch with several events does not wait for their locks. Both functions throw when nothing
 * was committed or the outcome is unknown. The statements of a batch are part of the first trace in it.
 */
export function createBatchAllocation({ transact, newId }: { transact: Transact; newId: () => string }) {
  const transactInTrace = <Result>(
    traceparent: string | undefined,
    run: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> => runInTrace(traceparent, () => transact(run));

  return {
    /** One result per request, in the batch's order. Does not wait for locks: a request for a locked event gets HELD. */
    allocateFree: (batch: readonly SeatRequest[]): Promise<readonly (DecidedOutcome | typeof HELD)[]> =>
      transactInTrace(batch.find(isTraced)?.traceparent, async (transaction) => {
        const eventIds = [...new Set(batch.map(({ eventId }) => eventId))].sort();
        // Both are sent together. The server reads the bookings after it has locked the inventories.
        const [{ inventories, heldEventIds }, bookings] = await Promise.all([
          lockFreeInventories(transaction, eventIds),
          readBookings(transaction, batch),
        ]);
        const free = batch.filter(({ eventId }) => !heldEventIds.has(eventId));
        const outcomes = (await allocate(transaction, free, { ...bookings, inventories, newId })).values();
        return batch.map(({ eventId }) =>
          heldEventIds.has(eventId) ? HELD : (outcomes.next().value as DecidedOutcome),
        );
      }),
    /** Waits for the lock on one event's inventory, then decides the requests that `take` returns. */
    allocateHeld: (eventId: string, take: () => readonly SeatRequest[]): Promise<readonly DecidedOutcome[]> =>
      transactInTrace(undefined, async (transaction) => {
        const inventory = await lockInventory(transaction, eventId);
        const inventories = inventory === undefined ? [] : [inventory];
        const batch = take();
        return allocate(transaction, batch, { ...(await readBookings(transaction, batch)), inventories, newId });
      }),
  };
}

const isTraced = ({ traceparent }: SeatRequest): boolean => traceparent !== undefined;

async function allocate(
  transaction: Transaction,
  batch: readonly SeatRequest[],
  { inventories, newId, ...bookings }: Bookings & { inventories: readonly LockedInventory[]; newId: () => string },
): Promise<Decision['outcomes']> {
  const limited = new Set(inventories.filter(hasUserLimit).map(({ eventId }) => eventId));
  const { outcomes, writes } = decide(batch, {
    ...bookings,
    userSeats: await countUserSeats(
      transaction,
      batch.filter((request) => request.kind === 'book').filter(({ eventId }) => limited.has(eventId)),
    ),
    // Without an inventory, no decision depends on the time.
    now: inventories[0]?.now ?? new Date(0),
    inventories: new Map(inventories.map(({ now: _, ...inventory }) => [inventory.eventId, inventory])),
  });
  transaction.commitWith(allocationStatements(writes, newId));
  return outcomes;
}

const hasUserLimit = ({ maxSeatsPerUser }: LockedInventory): boolean => maxSeatsPerUser !== null;

type Bookings = Pick<LockedState, 'bookings' | 'keys'>;

/** Reads the bookings with the keys of a batch, and those that the batch cancels. */
async function readBookings(transaction: SqlExecutor, batch: readonly SeatRequest[]): Promise<Bookings> {
  const books = batch.filter((request) => request.kind === 'book');
  const cancelIds = batch.flatMap((request) => (request.kind === 'cancel' ? [request.bookingId] : []));
  const [keyed, bookings] = await Promise.all([
    books.length > 0 ? findKeyedBookings(transaction, books) : [],
    cancelIds.length > 0 ? findBookings(transaction, cancelIds) : [],
  ]);
  return {
    bookings: new Map(bookings.map((booking) => [booking.id, booking])),
    keys: new Map(
      keyed.map(({ callerId, idempotencyKey, ...booking }) => [scopedKey(callerId, idempotencyKey), booking]),
    ),
  };
}

/** Returns the statements that write a decision and the messages about it. */
export function allocationStatements({ booked, cancelled, inventories }: Writes, newId: () => string) {
  return [
    ...insertBookings(booked),
    ...cancelBookings(cancelled),
    ...saveInventories(inventories),
    ...outboxStatements('booking', [
      ...booked.map(({ booking, request: { requestId, traceparent } }) =>
        bookingMessage('booking.confirmed.v1', booking, { messageId: newId(), requestId, traceparent }),
      ),
      ...cancelled.map(({ booking, request: { requestId, traceparent } }) =>
        bookingMessage('booking.cancelled.v1', booking, { messageId: newId(), requestId, traceparent }),
      ),
    ]),
  ];
}
