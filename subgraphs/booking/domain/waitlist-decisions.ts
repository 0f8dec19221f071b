import { closedOutcome, type Draft, earlierOf } from './draft.ts';
import type { Hold } from './hold.ts';
import { MS_PER_SECOND } from './hold-decisions.ts';
import type { Inventory } from './inventory.ts';
import type { JoinOutcome, JoinRequest, LeaveOutcome, LeaveRequest } from './seat-requests.ts';
import type { WaitlistEntry } from './waitlist.ts';

/** Puts a user at the end of the waiting list, unless the seats are free or the user could not book them. */
export function joinWaitlist(draft: Draft, request: JoinRequest): JoinOutcome {
  const { entryId: id, eventId, userId, seatCount } = request;
  const earlier = draft.entryOf(request);
  if (earlier !== undefined && isPresent(draft, earlier)) {
    if (earlier.seatCount !== seatCount) return { outcome: 'already-waiting', entry: earlier };
    // With the request's own id, an earlier attempt was committed but its answer was lost: this is no replay.
    return { outcome: 'joined', entry: earlier, replayed: earlier.id !== id };
  }
  const found = draft.findSeats(request);
  if (!('outcome' in found)) return { outcome: 'seats-available', availableSeats: found.inventory.availableSeats };
  if (found.outcome !== 'sold-out') return found;
  const inventory = draft.inventories.get(eventId);
  if (inventory === undefined) return { outcome: 'unknown-event' };
  const place = inventory.lastWaitlistPlace + 1;
  const entry: WaitlistEntry = {
    id,
    eventId,
    userId,
    seatCount,
    place,
    status: 'WAITING',
    createdAt: draft.now,
    endedAt: null,
    holdId: null,
  };
  draft.changeInventory(inventory, {
    waitingSeats: inventory.waitingSeats + seatCount,
    lastWaitlistPlace: place,
  });
  draft.joinLine(entry);
  return { outcome: 'joined', entry, replayed: false };
}

/** True while an entry waits, and while its offer is open. */
function isPresent(draft: Draft, { status, holdId }: WaitlistEntry): boolean {
  if (status !== 'OFFERED' || holdId === null) return status === 'WAITING';
  const offer = draft.holds.get(holdId);
  // An open offer that the batch has not touched is not among the holds.
  return offer === undefined || (offer.status === 'HELD' && offer.expiresAt > draft.now);
}

/** Ends the waiting of an entry. Repeating it has no further effect. */
export function leaveWaitlist(draft: Draft, { entryId }: LeaveRequest): LeaveOutcome {
  const entry = draft.entries.get(entryId);
  const inventory = entry && draft.inventories.get(entry.eventId);
  if (entry === undefined || inventory === undefined) return { outcome: 'unknown-entry' };
  if (entry.holdId !== null) return { outcome: 'seats-offered', holdId: entry.holdId };
  if (entry.status !== 'WAITING') return { outcome: 'left', entry };
  return { outcome: 'left', entry: endWaiting(draft, inventory, { ...entry, status: 'LEFT' }) };
}

/**
 * Does what is due for the waiting list of an event. During the sale, its free seats are offered: strictly in order
 * among the entries that fit. After the sale, its entries end. Sets the time at which the event is due again.
 */
export function serveWaitlist(draft: Draft, eventId: string): void {
  draft.keptEvents.delete(eventId);
  const inventory = draft.inventories.get(eventId);
  if (inventory === undefined || inventory.waitingSeats === 0) return;
  const closed = closedOutcome(inventory, draft.now);
  if (closed === undefined) {
    offerSeats(draft, eventId);
    wakeAt(draft, eventId, draft.keptEvents.has(eventId) ? draft.now : endOfSale(inventory));
  } else if (closed.outcome === 'sales-not-started') {
    wakeAt(draft, eventId, closed.salesStartAt);
  } else if (!endLine(draft, eventId)) {
    wakeAt(draft, eventId, draft.now);
  }
}

/** Offers the free seats. If entries that were not read could have a right to them, the seats are kept for these. */
function offerSeats(draft: Draft, eventId: string): void {
  for (;;) {
    const inventory = draft.inventories.get(eventId);
    if (inventory === undefined || inventory.availableSeats === 0 || inventory.waitingSeats === 0) return;
    const { waiting, unreadFrom } = draft.lineOf(eventId);
    const hasUnread = waiting.reduce((sum, { seatCount }) => sum + seatCount, 0) < inventory.waitingSeats;
    if (hasUnread && unreadFrom <= inventory.availableSeats) {
      draft.keptEvents.add(eventId);
      return;
    }
    const next = waiting.find(({ seatCount }) => seatCount <= inventory.availableSeats);
    if (next === undefined) return;
    // The user has got other seats meanwhile, or the limit is lower now.
    if (!draft.hasRoomFor(inventory, next)) endWaiting(draft, inventory, { ...next, status: 'ENDED' });
    else offer(draft, inventory, next);
  }
}

function offer(draft: Draft, inventory: Inventory, entry: WaitlistEntry): void {
  const { eventId, userId, seatCount } = entry;
  const endOfTime = new Date(draft.now.getTime() + draft.offerTtlSeconds * MS_PER_SECOND);
  const hold: Hold = {
    id: draft.newId(),
    eventId,
    userId,
    seatCount,
    status: 'HELD',
    createdAt: draft.now,
    expiresAt: earlierOf(endOfTime, endOfSale(inventory)),
    endedAt: null,
  };
  const offered = endWaiting(draft, inventory, { ...entry, status: 'OFFERED', holdId: hold.id });
  const { availableSeats, heldSeats, nextHoldExpiresAt } = inventory;
  draft.changeInventory(draft.inventories.get(eventId) ?? inventory, {
    availableSeats: availableSeats - seatCount,
    heldSeats: heldSeats + seatCount,
    nextHoldExpiresAt: nextHoldExpiresAt === null ? hold.expiresAt : earlierOf(nextHoldExpiresAt, hold.expiresAt),
  });
  draft.changeUserSeats(hold, seatCount);
  draft.holds.set(hold.id, hold);
  draft.writes.offered.push({ hold, entry: offered });
}

/** Ends the entries of an event that sells no more seats. Returns false when there can be more than were read. */
function endLine(draft: Draft, eventId: string): boolean {
  const { waiting, isWhole } = draft.lineOf(eventId);
  for (const entry of waiting) {
    const inventory = draft.inventories.get(eventId);
    if (inventory !== undefined) endWaiting(draft, inventory, { ...entry, status: 'ENDED' });
  }
  return isWhole;
}

function endWaiting(draft: Draft, inventory: Inventory, entry: WaitlistEntry): WaitlistEntry {
  const ended: WaitlistEntry = { ...entry, endedAt: draft.now };
  draft.changeInventory(inventory, { waitingSeats: inventory.waitingSeats - entry.seatCount });
  draft.endEntry(ended);
  return ended;
}

/** Makes the event due at a time, if nothing else makes it due earlier. */
function wakeAt(draft: Draft, eventId: string, time: Date): void {
  const inventory = draft.inventories.get(eventId);
  if (inventory === undefined || inventory.waitingSeats === 0) return;
  const { nextHoldExpiresAt } = inventory;
  if (nextHoldExpiresAt !== null && nextHoldExpiresAt <= time) return;
  draft.changeInventory(inventory, { nextHoldExpiresAt: time });
}

const endOfSale = ({ salesEndAt, startsAt }: Inventory): Date =>
  salesEndAt === null ? startsAt : earlierOf(salesEndAt, startsAt);
