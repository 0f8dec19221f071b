import { TRANSACTION_LIMITS } from '#platform/database.ts';
import { type CancelRequest, decide } from '../domain/allocation.ts';
import { findBookings } from '../store/allocation/find-bookings.ts';
import { lockInventories } from '../store/allocation/lock-inventories.ts';
import { findConfirmedBookingIds, findEventToClose, markClosed } from '../store/closing.ts';
import { save } from './allocate-batch.ts';
import type { BookingDependencies } from './dependencies.ts';

const CHUNK_MAX = 200;
const BEFORE_ALL_IDS = '';

/**
 * Cancels the bookings of one cancelled event, chunk by chunk; answers whether there was one. A crash between two
 * chunks leaves the event open: whoever comes next finds what is still confirmed.
 */
export async function closeNextEvent(
  dependencies: Pick<BookingDependencies, 'database' | 'relay' | 'newId'>,
  { isStopping }: { isStopping: () => boolean },
): Promise<boolean> {
  const eventId = await findEventToClose(dependencies.database);
  if (eventId === undefined) return false;
  let afterId: string | undefined = BEFORE_ALL_IDS;
  while (afterId !== undefined && !isStopping()) afterId = await closeChunk(dependencies, { eventId, afterId });
  return true;
}

/** Cancels the next bookings of the event; answers the last one's id, or undefined when none is left. */
async function closeChunk(
  { database, relay, newId }: Pick<BookingDependencies, 'database' | 'relay' | 'newId'>,
  { eventId, afterId }: { eventId: string; afterId: string },
): Promise<string | undefined> {
  const lastId = await database.$transaction(async (transaction) => {
    const [locked] = await lockInventories(transaction, [eventId]);
    if (locked === undefined) return undefined;
    const { now, ...inventory } = locked;
    const ids = await findConfirmedBookingIds(transaction, { eventId, afterId, limit: CHUNK_MAX });
    const bookings = await findBookings(transaction, ids);
    const requests = ids.map(
      (bookingId): CancelRequest => ({ kind: 'cancel', bookingId, eventId, requestId: eventId }),
    );
    const { writes } = decide(requests, {
      now,
      inventories: new Map([[eventId, inventory]]),
      bookings: new Map(bookings.map((booking) => [booking.id, booking])),
      keys: new Map(),
    });
    await save(transaction, writes, newId);
    if (ids.length < CHUNK_MAX) await markClosed(transaction, eventId);
    return ids.length < CHUNK_MAX ? undefined : ids.at(-1);
  }, TRANSACTION_LIMITS);
  relay.nudge();
  return lastId;
}
