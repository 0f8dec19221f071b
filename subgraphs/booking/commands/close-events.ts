import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import { decide } from '../domain/allocation.ts';
import { WITHOUT_WAITLIST } from '../domain/draft.ts';
import type { CancelRequest, ReleaseRequest } from '../domain/seat-requests.ts';
import { type LockedInventory, lockFreeInventories, lockInventory } from '../store/allocation/lock-inventories.ts';
import {
  type EventToClose,
  findConfirmedBookingIds,
  findEventsToClose,
  findHeldHoldIds,
  markClosed,
} from '../store/closing.ts';
import type { BookingTransaction } from '../store/database.ts';
import { findBookings } from '../store/find-bookings.ts';
import { findHolds } from '../store/find-holds.ts';
import { allocationStatements } from './allocate-batch.ts';
import type { BookingDependencies } from './dependencies.ts';

type Dependencies = Pick<BookingDependencies, 'database' | 'relay' | 'newId'>;

const CHUNK_MAX = 200;
const CANDIDATES_MAX = 100;
const BEFORE_ALL_IDS = '';

/**
 * Cancels the bookings of one cancelled event and releases its holds, chunk by chunk. Returns whether there may be another
 * event to close. After a crash between two chunks, the event is still open, and the next call continues. Events
 * that another transaction has locked are skipped. If only locked events are left, the function waits for one of them.
 */
export async function closeNextEvent(
  dependencies: Dependencies,
  { isStopping }: { isStopping: () => boolean },
): Promise<boolean> {
  const held: EventToClose[] = [];
  let afterId = BEFORE_ALL_IDS;
  for (;;) {
    const events = await findEventsToClose(dependencies.database, { afterId, limit: CANDIDATES_MAX });
    for (const event of events) {
      if (isStopping()) return false;
      if (await closeEvent(dependencies, event, { waits: false, isStopping })) return true;
      held.push(event);
      afterId = event.eventId;
    }
    if (events.length < CANDIDATES_MAX) break;
  }
  const event = held[Math.floor(Math.random() * held.length)];
  return event !== undefined && !isStopping() && (await closeEvent(dependencies, event, { waits: true, isStopping }));
}

/**
 * Cancels an event's bookings and releases its holds until none is left. Returns false when another transaction has
 * locked the event.
 */
async function closeEvent(
  dependencies: Dependencies,
  event: EventToClose,
  { waits, isStopping }: { waits: boolean; isStopping: () => boolean },
): Promise<boolean> {
  let afterId = BEFORE_ALL_IDS;
  for (let isFirst = true; !isStopping(); isFirst = false) {
    // Later chunks wait for the lock. Otherwise processes that handle bookings for the event could always get it first.
    const lastId = await closeChunk(dependencies, event, { afterId, waits: waits || !isFirst });
    if (lastId === HELD) return false;
    if (lastId === ALL_CLOSED) break;
    afterId = lastId;
  }
  return true;
}

const HELD = Symbol('held');
const ALL_CLOSED = Symbol('all closed');

/**
 * Cancels the next bookings of the event and releases its next holds. Returns the last booking's id, ALL_CLOSED after
 * the last chunk, or HELD.
 */
async function closeChunk(
  { database, relay, newId }: Dependencies,
  { eventId, correlationId, cancellationReason }: EventToClose,
  { afterId, waits }: { afterId: string; waits: boolean },
): Promise<string | typeof ALL_CLOSED | typeof HELD> {
  const outcome = await database
    .$transaction(async (transaction): Promise<string | typeof ALL_CLOSED | typeof HELD> => {
      const locked = await lockOne(transaction, eventId, waits);
      if (locked === undefined) return HELD;
      const { now, ...inventory } = locked;
      const ids = await findConfirmedBookingIds(transaction, { eventId, afterId, limit: CHUNK_MAX });
      const holdIds = await findHeldHoldIds(transaction, { eventId, limit: CHUNK_MAX });
      const bookings = await findBookings(transaction, ids);
      const holds = await findHolds(transaction, holdIds);
      const requestId = correlationId ?? eventId;
      const { writes } = decide(
        [
          ...ids.map(
            (bookingId): CancelRequest => ({
              kind: 'cancel',
              bookingId,
              eventId,
              hasDeadline: false,
              reason: cancellationReason,
              requestId,
            }),
          ),
          ...holdIds.map((holdId): ReleaseRequest => ({ kind: 'release-hold', holdId, eventId, requestId })),
        ],
        {
          now,
          inventories: new Map([[eventId, inventory]]),
          bookings: new Map(bookings.map((booking) => [booking.id, booking])),
          keys: new Map(),
          userSeats: new Map(),
          holds: new Map(holds.map((hold) => [hold.id, hold])),
          holdKeys: new Map(),
          expiredHolds: new Map(),
          // The sweeper ends the waiting list.
          ...WITHOUT_WAITLIST,
          offerTtlSeconds: 0,
          newId,
          checkIns: new Map(),
        },
      );
      for (const statement of allocationStatements(writes, newId)) await transaction.$executeRaw(statement);
      if (ids.length === CHUNK_MAX || holdIds.length === CHUNK_MAX) return ids.at(-1) ?? afterId;
      await markClosed(transaction, eventId);
      return ALL_CLOSED;
    }, TRANSACTION_LIMITS)
    .catch((error: unknown): typeof HELD => {
      if (sqlErrorNumber(error) === SQL_ERROR.lockWaitTimeout) return HELD;
      throw error;
    });
  if (outcome !== HELD) relay.nudge();
  return outcome;
}

async function lockOne(
  transaction: BookingTransaction,
  eventId: string,
  waits: boolean,
): Promise<LockedInventory | undefined> {
  if (waits) return lockInventory(transaction, eventId);
  const { inventories } = await lockFreeInventories(transaction, [eventId]);
  return inventories[0];
}
