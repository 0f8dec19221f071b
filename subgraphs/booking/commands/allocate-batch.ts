import { runInTrace } from '#platform/clients/deadline.ts';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Transact, Transaction } from '#platform/database/transactions.ts';
import { outboxStatements } from '#platform/outbox/append.ts';
import { type Decision, decide } from '../domain/allocation.ts';
import { deviceKeyOf } from '../domain/check-in.ts';
import { type LockedState, scopedKey, userOfEvent, type Writes } from '../domain/draft.ts';
import type { SeatRequest } from '../domain/seat-requests.ts';
import { findWantedLines } from '../domain/wanted-lines.ts';
import { bookingMessage } from '../messaging/booking-changed.ts';
import { holdMessage } from '../messaging/hold-changed.ts';
import { seatsOfferedMessage } from '../messaging/seats-offered.ts';
import { cancelBookings } from '../store/allocation/cancel-bookings.ts';
import { countUserSeats } from '../store/allocation/count-user-seats.ts';
import { findCheckIns } from '../store/allocation/find-check-ins.ts';
import { findEntriesOfUsers } from '../store/allocation/find-entries-of-users.ts';
import { findExpiredHolds } from '../store/allocation/find-expired-holds.ts';
import { findKeyedBookings } from '../store/allocation/find-keyed-bookings.ts';
import { findKeyedHolds } from '../store/allocation/find-keyed-holds.ts';
import { findLines } from '../store/allocation/find-lines.ts';
import { insertBookings, insertKeys } from '../store/allocation/insert-bookings.ts';
import { type LockedInventory, lockFreeInventories, lockInventory } from '../store/allocation/lock-inventories.ts';
import { saveInventories } from '../store/allocation/save-inventories.ts';
import { insertCheckIns, saveCheckedInSeats } from '../store/allocation/write-check-ins.ts';
import { endHolds, insertHolds } from '../store/allocation/write-holds.ts';
import { endWaitlistEntries, insertWaitlistEntries } from '../store/allocation/write-waitlist.ts';
import { findBookings } from '../store/find-bookings.ts';
import { findHolds } from '../store/find-holds.ts';
import { findWaitlistEntries } from '../store/find-waitlist-entries.ts';

/** The result of a request that was not decided because another transaction has locked its event's inventory. */
export const HELD = Symbol('held');

export type DecidedOutcome = Decision['outcomes'][number];

/** The settings of waiting lists. */
export interface WaitlistSettings {
  /** The maximum number of seats of an entry. */
  readonly seatsMax: number;
  /** The time for which a hold of offered seats keeps them. */
  readonly offerTtlSeconds: number;
}

export type BatchAllocation = ReturnType<typeof createBatchAllocation>;

/**
 * Handles a whole batch in one transaction: locks the inventories, reads keys, bookings, holds and check-ins, decides,
 * and writes seats, bookings, holds, check-ins and outbox messages. For events with a limit of seats per user, one more
 * statement reads the users' seats, and for events with expired holds, one more reads these holds. For events with a
 * waiting list and free seats, one more reads the list. `onCommitted` is told of what was written. Seats change only
 * under the inventory's lock, so the data stays valid until the commit. Transactions cannot deadlock on inventories,
 * because a batch with several events does not wait for their locks. Both functions throw when nothing was committed or
 * the outcome is unknown. The statements of a batch are part of the first trace in it.
 */
export function createBatchAllocation({
  transact,
  newId,
  waitlist,
  onCommitted = () => undefined,
}: {
  transact: Transact;
  newId: () => string;
  waitlist: WaitlistSettings;
  onCommitted?: (writes: Writes) => void;
}) {
  const shared = { newId, waitlist };

  async function transactInTrace<Result extends { decision: Decision }>(
    traceparent: string | undefined,
    run: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    const result = await runInTrace(traceparent, () => transact(run));
    onCommitted(result.decision.writes);
    return result;
  }

  return {
    /** One result per request, in the batch's order. Does not wait for locks: a request for a locked event gets HELD. */
    async allocateFree(batch: readonly SeatRequest[]): Promise<readonly (DecidedOutcome | typeof HELD)[]> {
      const { decision, heldEventIds } = await transactInTrace(
        batch.find(isTraced)?.traceparent,
        async (transaction) => {
          const eventIds = [...new Set(batch.map(({ eventId }) => eventId))].sort();
          // Both are sent together. The server reads the bookings and holds after it has locked the inventories.
          const [{ inventories, heldEventIds }, known] = await Promise.all([
            lockFreeInventories(transaction, eventIds),
            readKnown(transaction, batch),
          ]);
          const free = batch.filter(({ eventId }) => !heldEventIds.has(eventId));
          return { decision: await allocate(transaction, free, { ...known, ...shared, inventories }), heldEventIds };
        },
      );
      const outcomes = decision.outcomes.values();
      return batch.map(({ eventId }) => (heldEventIds.has(eventId) ? HELD : (outcomes.next().value as DecidedOutcome)));
    },
    /** Waits for the lock on one event's inventory, then decides the requests that `take` returns. */
    async allocateHeld(eventId: string, take: () => readonly SeatRequest[]): Promise<readonly DecidedOutcome[]> {
      const { decision } = await transactInTrace(undefined, async (transaction) => {
        const inventory = await lockInventory(transaction, eventId);
        const inventories = inventory === undefined ? [] : [inventory];
        const batch = take();
        const known = await readKnown(transaction, batch);
        return { decision: await allocate(transaction, batch, { ...known, ...shared, inventories }) };
      });
      return decision.outcomes;
    },
  };
}

const isTraced = ({ traceparent }: SeatRequest): boolean => traceparent !== undefined;

async function allocate(
  transaction: Transaction,
  batch: readonly SeatRequest[],
  {
    inventories,
    newId,
    waitlist,
    ...known
  }: Known & { inventories: readonly LockedInventory[]; newId: () => string; waitlist: WaitlistSettings },
): Promise<Decision> {
  // Without an inventory, no decision depends on the time.
  const now = inventories[0]?.now ?? new Date(0);
  const limited = new Set(inventories.filter(hasUserLimit).map(({ eventId }) => eventId));
  const isLimited = ({ eventId }: { eventId: string }) => limited.has(eventId);
  const isDue = ({ nextHoldExpiresAt }: LockedInventory) => nextHoldExpiresAt !== null && nextHoldExpiresAt <= now;
  const [userSeats, expiredHolds, lines] = await Promise.all([
    countUserSeats(transaction, batch.filter(wantsSeats).filter(isLimited)),
    findExpiredHolds(
      transaction,
      inventories.filter(isDue).map(({ eventId }) => eventId),
      now,
    ),
    findLines(transaction, findWantedLines(batch, { ...known, inventories, now }), waitlist.seatsMax),
  ]);
  const waiting = lines.values().flatMap((line) => line.waiting);
  const seatsOfWaiting = await countUserSeats(transaction, waiting.filter(isLimited).toArray());
  const decision = decide(batch, {
    ...known,
    userSeats: new Map([...userSeats, ...seatsOfWaiting]),
    expiredHolds,
    lines,
    offerTtlSeconds: waitlist.offerTtlSeconds,
    newId,
    now,
    inventories: new Map(inventories.map(({ now: _, ...inventory }) => [inventory.eventId, inventory])),
  });
  transaction.commitWith(allocationStatements(decision.writes, newId));
  return decision;
}

const wantsSeats = (request: SeatRequest) =>
  request.kind === 'book' || request.kind === 'hold' || request.kind === 'join-waitlist';

const hasUserLimit = ({ maxSeatsPerUser }: LockedInventory): boolean => maxSeatsPerUser !== null;

type Known = Pick<LockedState, 'bookings' | 'keys' | 'holds' | 'holdKeys' | 'entries' | 'entriesOfUsers' | 'checkIns'>;

/** Reads the bookings, holds and check-ins with the keys of a batch, the entries of its users, and what has its ids. */
async function readKnown(transaction: SqlExecutor, batch: readonly SeatRequest[]): Promise<Known> {
  const books = batch.filter((request) => request.kind === 'book');
  const wanted = batch.filter((request) => request.kind === 'hold');
  const atDoor = batch.filter((request) => request.kind === 'check-in');
  const holdIds = batch.flatMap((request) =>
    request.kind === 'confirm-hold' || request.kind === 'release-hold' ? [request.holdId] : [],
  );
  const bookingIds = batch.flatMap((request) => {
    if (request.kind === 'cancel' || request.kind === 'check-in') return [request.bookingId];
    return request.kind === 'confirm-hold' ? [request.holdId] : [];
  });
  const joins = batch.filter((request) => request.kind === 'join-waitlist');
  const entryIds = batch.flatMap((request) => (request.kind === 'leave-waitlist' ? [request.entryId] : []));
  const [keyed, bookings, keyedHolds, holds, entriesOfUsers, entries, checkIns] = await Promise.all([
    books.length > 0 ? findKeyedBookings(transaction, books) : [],
    bookingIds.length > 0 ? findBookings(transaction, bookingIds) : [],
    wanted.length > 0 ? findKeyedHolds(transaction, wanted) : [],
    holdIds.length > 0 ? findHolds(transaction, holdIds) : [],
    joins.length > 0 ? findEntriesOfUsers(transaction, joins) : [],
    entryIds.length > 0 ? findWaitlistEntries(transaction, entryIds) : [],
    atDoor.length > 0 ? findCheckIns(transaction, atDoor) : [],
  ]);
  return {
    bookings: new Map(bookings.map((booking) => [booking.id, booking])),
    keys: new Map(
      keyed.map(({ callerId, idempotencyKey, ...booking }) => [scopedKey(callerId, idempotencyKey), booking]),
    ),
    holds: new Map(holds.map((hold) => [hold.id, hold])),
    holdKeys: new Map(keyedHolds.map(({ idempotencyKey, ...hold }) => [scopedKey(hold.userId, idempotencyKey), hold])),
    entriesOfUsers: new Map(entriesOfUsers.map((entry) => [userOfEvent(entry), entry])),
    entries: new Map(entries.map((entry) => [entry.id, entry])),
    checkIns: new Map(checkIns.map((checkIn) => [deviceKeyOf(checkIn), checkIn])),
  };
}

/** Returns the statements that write a decision and the messages about it. */
export function allocationStatements(
  { booked, cancelled, held, confirmed, ended, joined, endedEntries, offered, checkedIn, inventories }: Writes,
  newId: () => string,
) {
  const booking = [...booked, ...confirmed];
  return [
    ...insertBookings(booking.map((one) => one.booking)),
    ...insertKeys(booked),
    ...cancelBookings(cancelled),
    ...insertHolds([
      ...held.map(({ hold, request: { idempotencyKey } }) => ({ hold, idempotencyKey })),
      // The key of a client contains no space, so it is another one.
      ...offered.map(({ hold, entry }) => ({ hold, idempotencyKey: `waitlist ${entry.id}` })),
    ]),
    ...endHolds(ended),
    ...insertWaitlistEntries(joined),
    ...endWaitlistEntries(endedEntries),
    ...insertCheckIns(checkedIn),
    ...saveCheckedInSeats(checkedIn),
    ...saveInventories(inventories),
    ...outboxStatements('booking', [
      ...held.map(({ hold, request }) => holdMessage(hold, { messageId: newId(), ...request })),
      ...offered.flatMap(({ hold, entry }) => [
        holdMessage(hold, { messageId: newId(), requestId: entry.id }),
        seatsOfferedMessage(hold, entry.id, newId()),
      ]),
      ...ended.map(({ hold, request }) => holdMessage(hold, { messageId: newId(), requestId: hold.id, ...request })),
      ...booking.map(({ booking, request: { requestId, traceparent } }) =>
        bookingMessage('booking.confirmed.v1', booking, { messageId: newId(), requestId, traceparent }),
      ),
      ...cancelled.map(({ booking, request: { requestId, traceparent } }) =>
        bookingMessage('booking.cancelled.v1', booking, { messageId: newId(), requestId, traceparent }),
      ),
    ]),
  ];
}
