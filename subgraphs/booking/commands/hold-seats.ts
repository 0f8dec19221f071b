import type { CommandRequest } from '#platform/identity/identity.ts';
import type { HoldSeatsInput } from '../domain/booking-input.ts';
import type { Queued } from '../domain/line.ts';
import type { HoldOutcome, HoldRequest } from '../domain/seat-requests.ts';
import type { BookingDependencies } from './dependencies.ts';
import { submitForEvent } from './ensure-inventories.ts';

/** Holds seats for the caller for `holdTtlSeconds`, but not longer than until the event starts. */
export async function holdSeats(
  dependencies: BookingDependencies,
  { caller, requestId, input: { eventId, seatCount, idempotencyKey, place } }: CommandRequest<HoldSeatsInput>,
): Promise<HoldOutcome | Queued> {
  const { admission, relay, newId, holdTtlSeconds } = dependencies;
  const request: HoldRequest = {
    kind: 'hold',
    holdId: newId(),
    eventId,
    userId: caller.userId,
    seatCount,
    idempotencyKey,
    ttlSeconds: holdTtlSeconds,
    requestId,
  };
  const outcome = await submitForEvent(dependencies, eventId, () => admission.submit(request, place ?? undefined));
  if (outcome.outcome === 'held') relay.nudge();
  return outcome;
}
