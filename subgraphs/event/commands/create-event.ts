import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import { checkTimes, type Event, optionalFields, pick, type WrongTime } from '../domain/event.ts';
import type { CreateEventRequest } from '../domain/event-input.ts';
import { DEFAULT_TIME_ZONE } from '../domain/time-zone.ts';
import { publishEventChange } from '../messaging/event-changed.ts';
import { findEvents, insertEvent } from '../store/events.ts';
import { findKeyedEvent, insertKeyedEvent } from '../store/idempotency-keys.ts';
import type { EventDependencies } from './dependencies.ts';
import { fingerprintOf } from './request-fingerprint.ts';

export type Creation =
  | { outcome: 'created'; event: Event; replayed: boolean }
  | { outcome: 'key-reused' }
  | { outcome: 'starts-in-past' }
  | WrongTime;

/**
 * Creates an event with the caller as its organizer. An idempotency key creates at most one event per caller. The same
 * request with the same key returns the current state of that event. A different request with the key is refused.
 * Refusals are not stored.
 */
export async function createEvent(
  dependencies: EventDependencies,
  request: CommandRequest<CreateEventRequest>,
): Promise<Creation> {
  const earlier = await findEarlierCreation(dependencies, request);
  if (earlier !== undefined) return earlier;
  const { caller, input } = request;
  dependencies.relay.requireRoom();
  const createdAt = dependencies.now();
  if (input.startsAt <= createdAt) return { outcome: 'starts-in-past' };
  const event: Event = {
    id: dependencies.newId(),
    name: input.name,
    ...pick(optionalFields, input),
    startsAt: input.startsAt,
    timeZone: input.timeZone ?? DEFAULT_TIME_ZONE,
    status: 'SCHEDULED',
    cancellationReason: null,
    organizerId: caller.userId,
    initialSeats: input.totalSeats,
    version: 1,
    createdAt,
    updatedAt: createdAt,
  };
  const wrong = checkTimes(event);
  if (wrong !== undefined) return wrong;
  try {
    await saveCreation(dependencies, request, event);
  } catch (error) {
    if (sqlErrorNumber(error) !== SQL_ERROR.duplicateKey) throw error;
    // Another request with this key was committed after the key was looked up.
    const first = await findEarlierCreation(dependencies, request);
    if (first === undefined) throw error;
    return first;
  }
  // After a crash here, a retry returns this event, and the relay finds the message when it polls.
  dependencies.relay.nudge();
  return { outcome: 'created', event, replayed: false };
}

/** Returns the outcome for a key that was used before, or undefined without a key or for a new key. */
async function findEarlierCreation(
  { database }: EventDependencies,
  { caller: { userId }, input }: CommandRequest<CreateEventRequest>,
): Promise<Creation | undefined> {
  const { idempotencyKey } = input;
  if (!idempotencyKey) return undefined;
  const keyed = await findKeyedEvent(database, { userId, idempotencyKey });
  if (keyed === undefined) return undefined;
  if (keyed.fingerprint !== fingerprintOf(input)) return { outcome: 'key-reused' };
  const [event] = await findEvents(database, [keyed.eventId]);
  return event && { outcome: 'created', event, replayed: true };
}

/** Writes key, event and message in one transaction. A second request with the same key waits at the key. */
async function saveCreation(
  { database, newId }: EventDependencies,
  { caller: { userId }, requestId, input }: CommandRequest<CreateEventRequest>,
  event: Event,
): Promise<void> {
  const { idempotencyKey } = input;
  await database.$transaction(async (transaction) => {
    if (idempotencyKey) {
      const keyed = { userId, idempotencyKey, eventId: event.id, fingerprint: fingerprintOf(input) };
      await insertKeyedEvent(transaction, keyed);
    }
    await insertEvent(transaction, event);
    await publishEventChange(transaction, 'event.created.v1', { event, messageId: newId(), requestId });
  }, TRANSACTION_LIMITS);
}
