import type { CommandRequest } from '#platform/identity/identity.ts';
import type { CheckInInput } from '../domain/booking-input.ts';
import type { CheckInOutcome } from '../domain/seat-requests.ts';
import type { BookingDependencies } from './dependencies.ts';
import { requireEventRights } from './require-event-rights.ts';

type CheckInResult =
  | Exclude<CheckInOutcome, { outcome: 'unknown-booking' }>
  /** No published key has signed the code, or there is no such booking. */
  | { readonly outcome: 'invalid-ticket' }
  | { readonly outcome: 'wrong-event'; readonly eventId: string }
  | { readonly outcome: 'unknown-event' };

/** Checks in seats of a ticket at the door of an event. @throws FORBIDDEN unless the caller organizes it or is admin */
export async function checkIn(
  dependencies: BookingDependencies,
  { caller, input: { eventId, code, seats, deviceKey } }: CommandRequest<CheckInInput>,
): Promise<CheckInResult> {
  const { allocator, tickets, newId } = dependencies;
  if (!(await requireEventRights(dependencies, caller, eventId))) return { outcome: 'unknown-event' };
  const ticket = tickets.read(code);
  if (ticket === undefined) return { outcome: 'invalid-ticket' };
  const { bookingId } = ticket;
  if (ticket.eventId !== eventId) return { outcome: 'wrong-event', eventId: ticket.eventId };
  const outcome = await allocator.submit({
    kind: 'check-in',
    checkInId: newId(),
    bookingId,
    eventId,
    deviceKey,
    seats,
  });
  return outcome.outcome === 'unknown-booking' ? { outcome: 'invalid-ticket' } : outcome;
}
