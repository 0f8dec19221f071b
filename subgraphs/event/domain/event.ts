import { z } from 'zod';

/** The fields that a revision may change and that are optional in createEvent. */
export const optionalFields = { description: z.string().nullable(), venue: z.string().nullable() };

/** The fields that a revision may change. */
export const revisableFields = {
  name: z.string(),
  ...optionalFields,
  startsAt: z.coerce.date(),
  status: z.enum(['SCHEDULED', 'CANCELLED']),
};

/**
 * Every field of an event. Dates may also be ISO 8601 texts, as in JSON. The code that compares, stores, caches and
 * lists events takes the fields from this list. Add a field that a revision may change to `revisableFields`.
 */
export const eventFields = z.object({
  id: z.string(),
  ...revisableFields,
  organizerId: z.string(),
  initialSeats: z.number(),
  version: z.number(),
  createdAt: z.coerce.date(),
  updatedAt: z.coerce.date(),
});

/** The facts of an event. The number of free seats belongs to the booking subgraph. */
export type Event = Readonly<z.output<typeof eventFields>>;
export type EventStatus = Event['status'];
export type EventChanges = Partial<Pick<Event, keyof typeof revisableFields>>;

/** Returns the values of some fields. A missing value becomes null. */
export const pick = <Field extends keyof Event>(
  fields: Readonly<Record<Field, z.ZodType>>,
  facts: { readonly [Name in NoInfer<Field>]?: Event[Name] | undefined },
) => Object.fromEntries(namesOf(fields).map((field) => [field, facts[field] ?? null])) as Pick<Event, Field>;

const namesOf = <Field extends string>(fields: Readonly<Record<Field, unknown>>) => Object.keys(fields) as Field[];

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
  JSON.stringify(pick(revisableFields, one)) === JSON.stringify(pick(revisableFields, other));
