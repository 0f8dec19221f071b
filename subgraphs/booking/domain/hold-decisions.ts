import { confirmedBooking } from './booking.ts';
import { type Draft, type ExpiredHolds, earlierOf, notBookable, scopedKey } from './draft.ts';
import type { Hold } from './hold.ts';
import type {
  ConfirmOutcome,
  ConfirmRequest,
  ExpireOutcome,
  ExpireRequest,
  HoldOutcome,
  HoldRequest,
  ReleaseOutcome,
  ReleaseRequest,
} from './seat-requests.ts';

export const MS_PER_SECOND = 1_000;

/** Holds the wanted seats until the time is over, but not longer than until the event starts. */
export function holdSeats(draft: Draft, request: HoldRequest): HoldOutcome {
  const { holdId: id, eventId, userId, seatCount } = request;
  const key = scopedKey(userId, request.idempotencyKey);
  const earlier = draft.holdKeys.get(key);
  if (earlier !== undefined) {
    if (earlier.eventId !== eventId || earlier.seatCount !== seatCount) return { outcome: 'key-reused' };
    // With the request's own id, an earlier attempt was committed but its answer was lost: this is no replay.
    return { outcome: 'held', hold: presentState(draft, earlier), replayed: earlier.id !== id };
  }
  const found = draft.findSeats(request);
  if ('outcome' in found) return found;
  const { availableSeats, heldSeats, nextHoldExpiresAt, startsAt } = found.inventory;
  const expiresAt = earlierOf(new Date(draft.now.getTime() + request.ttlSeconds * MS_PER_SECOND), startsAt);
  const made: Hold = {
    id,
    eventId,
    userId,
    seatCount,
    status: 'HELD',
    createdAt: draft.now,
    expiresAt,
    endedAt: null,
  };
  draft.changeInventory(found.inventory, {
    availableSeats: availableSeats - seatCount,
    heldSeats: heldSeats + seatCount,
    nextHoldExpiresAt: nextHoldExpiresAt === null ? expiresAt : earlierOf(nextHoldExpiresAt, expiresAt),
  });
  draft.changeUserSeats(made, seatCount);
  draft.holds.set(id, made);
  draft.holdKeys.set(key, made);
  draft.writes.held.push({ hold: made, request });
  return { outcome: 'held', hold: made, replayed: false };
}

/** Makes a booking of the held seats. The sale may have ended meanwhile, because the user has the seats already. */
export function confirmHold(draft: Draft, request: ConfirmRequest): ConfirmOutcome {
  const known = draft.holds.get(request.holdId);
  const inventory = known && draft.inventories.get(known.eventId);
  if (known === undefined || inventory === undefined) return { outcome: 'unknown-hold' };
  const present = presentState(draft, known);
  const { id, seatCount } = present;
  if (present.status === 'CONFIRMED') {
    const booking = draft.bookings.get(id);
    return booking === undefined ? { outcome: 'unknown-hold' } : { outcome: 'confirmed', booking, replayed: true };
  }
  if (present.status !== 'HELD') return { outcome: 'hold-ended', hold: present };
  const over = notBookable(inventory, draft.now);
  if (over !== undefined) return over;
  const booking = confirmedBooking(present, draft.now);
  draft.changeInventory(inventory, { heldSeats: inventory.heldSeats - seatCount });
  draft.bookings.set(id, booking);
  draft.writes.confirmed.push({ booking, request });
  end(draft, { ...present, status: 'CONFIRMED', endedAt: draft.now }, request);
  return { outcome: 'confirmed', booking, replayed: false };
}

/** Gives back the seats of a hold. Repeating it has no further effect. */
export function releaseHold(draft: Draft, request: ReleaseRequest): ReleaseOutcome {
  const known = draft.holds.get(request.holdId);
  if (known === undefined || !draft.inventories.has(known.eventId)) return { outcome: 'unknown-hold' };
  const present = presentState(draft, known);
  if (present.status === 'CONFIRMED') return { outcome: 'hold-confirmed', hold: present };
  if (present.status !== 'HELD') return { outcome: 'released', hold: present };
  const released: Hold = { ...present, status: 'RELEASED', endedAt: draft.now };
  giveBack(draft, released, request);
  return { outcome: 'released', hold: released };
}

/** The seats of expired holds are back already, see expireHolds. */
export function reportExpiry({ inventories, now }: Draft, { eventId }: ExpireRequest): ExpireOutcome {
  const { nextHoldExpiresAt = null } = inventories.get(eventId) ?? {};
  return { outcome: 'holds-expired', isDue: nextHoldExpiresAt !== null && nextHoldExpiresAt <= now };
}

/** Gives back the seats of an event's expired holds. */
export function expireHolds(draft: Draft, eventId: string, { holds, nextExpiresAt }: ExpiredHolds): void {
  for (const one of holds) expire(draft, one);
  const inventory = draft.inventories.get(eventId);
  if (inventory !== undefined) draft.changeInventory(inventory, { nextHoldExpiresAt: nextExpiresAt });
}

/** Returns the hold as it is now. If it expired meanwhile, its seats are given back, because the sweep can be late. */
function presentState(draft: Draft, { id, ...read }: Hold): Hold {
  const present = draft.holds.get(id) ?? { id, ...read };
  return present.status === 'HELD' && present.expiresAt <= draft.now ? expire(draft, present) : present;
}

function expire(draft: Draft, due: Hold): Hold {
  const expired: Hold = { ...due, status: 'EXPIRED', endedAt: due.expiresAt };
  giveBack(draft, expired);
  return expired;
}

function giveBack(draft: Draft, ended: Hold, request?: ReleaseRequest): void {
  const { eventId, seatCount } = ended;
  const inventory = draft.inventories.get(eventId);
  if (inventory === undefined) return;
  const { availableSeats, heldSeats } = inventory;
  draft.changeInventory(inventory, {
    availableSeats: availableSeats + seatCount,
    heldSeats: heldSeats - seatCount,
  });
  draft.changeUserSeats(ended, -seatCount);
  end(draft, ended, request);
}

function end(draft: Draft, ended: Hold, request?: ConfirmRequest | ReleaseRequest): void {
  draft.holds.set(ended.id, ended);
  draft.writes.ended.push(request === undefined ? { hold: ended } : { hold: ended, request });
}
