import { type Caller, isSelfOrAdmin } from '#platform/identity.ts';
import type { Booking } from '../domain/booking.ts';
import type { Context } from './context.ts';

/** The booking, for its owner, the event's organizer and admins; null for everyone else. */
export async function visibleBooking(booking: Booking | null, context: Context): Promise<Booking | null> {
  if (booking === null) return null;
  if (isSelfOrAdmin(context.caller, booking.userId)) return booking;
  return (await isOrganizerOrAdmin(booking.eventId, context)) ? booking : null;
}

/** True for the organizer of the event and for admins. */
export async function isOrganizerOrAdmin(
  eventId: string,
  { caller, inventories }: { caller: Caller | null; inventories: Context['inventories'] },
): Promise<boolean> {
  if (caller === null) return false;
  if (caller.role === 'ADMIN') return true;
  const inventory = await inventories.load(eventId);
  return inventory !== null && inventory.organizerId === caller.userId;
}
