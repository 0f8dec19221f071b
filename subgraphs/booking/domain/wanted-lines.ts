import { closedOutcome, type LockedState } from './draft.ts';
import type { Inventory } from './inventory.ts';
import type { SeatRequest } from './seat-requests.ts';

/** Which entries of an event's waiting list a batch needs. */
export interface WantedLine {
  readonly eventId: string;
  /** The most seats that can become free in the batch. Undefined when no seats are sold any more: the entries end then. */
  readonly freeSeatsMax?: number;
}

/**
 * Returns the waiting lists that a batch must read: those whose event can have free seats during the batch, or sells no
 * more seats. Normally none, because an event with a waiting list has no free seats.
 */
export function findWantedLines(
  batch: readonly SeatRequest[],
  {
    inventories,
    bookings,
    holds,
    now,
  }: Pick<LockedState, 'bookings' | 'holds' | 'now'> & {
    inventories: readonly Inventory[];
  },
): WantedLine[] {
  return inventories
    .filter(({ waitingSeats }) => waitingSeats > 0)
    .flatMap((inventory): WantedLine[] => {
      const { eventId } = inventory;
      const closed = closedOutcome(inventory, now);
      if (closed !== undefined) return closed.outcome === 'sales-not-started' ? [] : [{ eventId }];
      const freeSeatsMax =
        seatsBefore(inventory, now) +
        batch
          .filter((request) => request.eventId === eventId)
          .reduce((sum, request) => sum + seatsFreedBy(request, inventory, { bookings, holds, now }), 0);
      return freeSeatsMax > 0 ? [{ eventId, freeSeatsMax }] : [];
    });
}

const seatsBefore = ({ availableSeats, heldSeats, nextHoldExpiresAt }: Inventory, now: Date): number =>
  availableSeats + (nextHoldExpiresAt !== null && nextHoldExpiresAt <= now ? heldSeats : 0);

function seatsFreedBy(
  request: SeatRequest,
  { totalSeats }: Inventory,
  { bookings, holds, now }: Pick<LockedState, 'bookings' | 'holds' | 'now'>,
): number {
  switch (request.kind) {
    case 'cancel':
      return bookings.get(request.bookingId)?.seatCount ?? 0;
    case 'confirm-hold': {
      const hold = holds.get(request.holdId);
      return hold !== undefined && hold.expiresAt <= now ? hold.seatCount : 0;
    }
    case 'release-hold':
      return holds.get(request.holdId)?.seatCount ?? 0;
    case 'set-capacity':
      return Math.max(0, request.totalSeats - totalSeats);
    default:
      return 0;
  }
}
