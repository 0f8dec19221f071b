import { isId } from '#platform/errors/validation.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import type { LeaveOutcome } from '../domain/seat-requests.ts';
import { mayLeaveWaitlist } from '../policy.ts';
import { findWaitlistEntries } from '../store/find-waitlist-entries.ts';
import type { BookingDependencies } from './dependencies.ts';

/** Ends the waiting of an entry of the caller. Admins may end any entry. Other callers get 'unknown-entry'. */
export async function leaveWaitlist(
  { sql, allocator }: BookingDependencies,
  { caller, input: { id } }: CommandRequest<{ id: string }>,
): Promise<LeaveOutcome> {
  const [entry] = isId(id) ? await findWaitlistEntries(sql, [id]) : [];
  if (entry === undefined || !mayLeaveWaitlist(caller, entry)) return { outcome: 'unknown-entry' };
  return allocator.submit({ kind: 'leave-waitlist', entryId: id, eventId: entry.eventId });
}
