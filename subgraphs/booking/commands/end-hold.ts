import { isId } from '#platform/errors/validation.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import type { Hold } from '../domain/hold.ts';
import type { ConfirmOutcome, ReleaseOutcome } from '../domain/seat-requests.ts';
import { mayEndHold } from '../policy.ts';
import { findHolds } from '../store/find-holds.ts';
import type { BookingDependencies } from './dependencies.ts';

type EndHoldRequest = CommandRequest<{ id: string }>;

/** Makes a booking of a hold of the caller. Admins may confirm any hold. Other callers get 'unknown-hold'. */
export async function confirmHold(dependencies: BookingDependencies, request: EndHoldRequest): Promise<ConfirmOutcome> {
  const hold = await findOwnHold(dependencies, request);
  if (hold === undefined) return { outcome: 'unknown-hold' };
  const { allocator, relay } = dependencies;
  const { requestId } = request;
  const outcome = await allocator.submit({ kind: 'confirm-hold', holdId: hold.id, eventId: hold.eventId, requestId });
  relay.nudge();
  return outcome;
}

/** Gives back the seats of a hold of the caller. Admins may release any hold. Other callers get 'unknown-hold'. */
export async function releaseHold(dependencies: BookingDependencies, request: EndHoldRequest): Promise<ReleaseOutcome> {
  const hold = await findOwnHold(dependencies, request);
  if (hold === undefined) return { outcome: 'unknown-hold' };
  const { allocator, relay } = dependencies;
  const { requestId } = request;
  const outcome = await allocator.submit({ kind: 'release-hold', holdId: hold.id, eventId: hold.eventId, requestId });
  relay.nudge();
  return outcome;
}

async function findOwnHold(
  { database }: BookingDependencies,
  { caller, input: { id } }: EndHoldRequest,
): Promise<Hold | undefined> {
  const [hold] = isId(id) ? await findHolds(database, [id]) : [];
  return hold !== undefined && mayEndHold(caller, hold) ? hold : undefined;
}
