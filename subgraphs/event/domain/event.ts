import { z } from 'zod';

/** What a revision may change and the creator may leave out. */
const optionalFields = z.object({
  description: z.string().nullable(),
  venue: z.string().nullable(),
});

/** What a revision may change. */
const revisableFields = z.object({
  name: z.string(),
  ...optionalFields.shape,
  startsAt: z.coerce.date(),
  status: z.enum(['SCHEDULED', 'CANCELLED']),
});

/**
 * Every field of an event. It also takes a date as JSON has it. What compares, stores, caches and lists events derives
 * its fields from here. A field that a revision may change belongs above.
 */
export const eventFields = z.object({
  id: z.string(),
  ...revisableFields.shape,
  organizerId: z.string(),
  initialSeats: z.number(),
  version: z.number(),
  createdAt: z.coerce.date(),
  updatedAt: z.coerce.date(),
});

/** What an event is. How many of its seats are left is not known here. */
export type Event = Readonly<z.output<typeof eventFields>>;
export type EventStatus = Event['status'];
export type EventChanges = Partial<Readonly<z.output<typeof revisableFields>>>;

const pick = <Shape extends z.ZodRawShape>(
  { shape }: z.ZodObject<Shape>,
  facts: { readonly [Field in keyof Shape]?: z.output<Shape[Field]> | undefined },
) =>
  Object.fromEntries(Object.keys(shape).map((field) => [field, facts[field] ?? null])) as {
    [Field in keyof Shape]: z.output<Shape[Field]>;
  };

/** The part of an event that a revision may change. */
export const revisablePartOf = (event: Event) => pick(revisableFields, event);

/** What the creator may leave out: null where it is left out. */
export const optionalPartOf = (given: Parameters<typeof pick<typeof optionalFields.shape>>[1]) =>
  pick(optionalFields, given);

export type Revision =
  | { outcome: 'revised'; event: Event }
  | { outcome: 'unchanged'; event: Event }
  | { outcome: 'version-conflict'; currentVersion: number }
  | { outcome: 'already-cancelled' }
  | { outcome: 'already-started' }
  | { outcome: 'starts-in-past' };

/**
 * Applies changes to the version of the event that the caller saw. Cancelling a cancelled event changes nothing;
 * any other change to it is refused. An event that has started can be corrected, but not cancelled or moved.
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
  JSON.stringify(revisablePartOf(one)) === JSON.stringify(revisablePartOf(other));
