export type EventStatus = 'SCHEDULED' | 'CANCELLED';

/** The facts of an event. The number of free seats belongs to the booking subgraph. */
export interface Event {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly venue: string | null;
  readonly startsAt: Date;
  readonly status: EventStatus;
  readonly organizerId: string;
  readonly initialSeats: number;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type EventChanges = Partial<Pick<Event, 'name' | 'description' | 'venue' | 'startsAt' | 'status'>>;

export type Revision =
  | { outcome: 'revised'; event: Event }
  | { outcome: 'unchanged'; event: Event }
  | { outcome: 'version-conflict'; currentVersion: number }
  | { outcome: 'already-cancelled' }
  | { outcome: 'already-started' }
  | { outcome: 'starts-in-past' };

/**
 * Applies changes to an event if `expectedVersion` is its current version. Cancelling a cancelled event changes
 * nothing, and other changes to it are refused. An event that has started can be corrected, but not cancelled or moved
 * to another time.
 */
export function reviseEvent(
  event: Event,
  expectedVersion: number,
  { changes, now }: { changes: EventChanges; now: Date },
): Revision {
  if (event.version !== expectedVersion) return { outcome: 'version-conflict', currentVersion: event.version };
  const revised = { ...event, ...changes };
  if (isSame(event, revised)) return { outcome: 'unchanged', event };
  if (event.status === 'CANCELLED') return { outcome: 'already-cancelled' };
  const isMoved = revised.startsAt.getTime() !== event.startsAt.getTime();
  const isCancelled = revised.status === 'CANCELLED';
  if ((isMoved || isCancelled) && event.startsAt <= now) return { outcome: 'already-started' };
  if (isMoved && revised.startsAt <= now) return { outcome: 'starts-in-past' };
  return { outcome: 'revised', event: { ...revised, version: event.version + 1, updatedAt: now } };
}

const isSame = (one: Event, other: Event) =>
  one.name === other.name &&
  one.description === other.description &&
  one.venue === other.venue &&
  one.startsAt.getTime() === other.startsAt.getTime() &&
  one.status === other.status;
