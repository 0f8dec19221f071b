import { z } from 'zod';

/** The fields that a revision may change and that are optional in createEvent. */
export const optionalFields = {
  description: z.string().nullable(),
  venue: z.string().nullable(),
  salesStartAt: z.coerce.date().nullable(),
  salesEndAt: z.coerce.date().nullable(),
  maxSeatsPerUser: z.number().nullable(),
  cancellationDeadline: z.coerce.date().nullable(),
};

/** The fields that a revision may change. */
export const revisableFields = {
  name: z.string(),
  ...optionalFields,
  startsAt: z.coerce.date(),
  timeZone: z.string(),
  status: z.enum(['SCHEDULED', 'CANCELLED']),
  cancellationReason: z.string().nullable(),
};

const times = {
  startsAt: revisableFields.startsAt,
  salesStartAt: optionalFields.salesStartAt,
  salesEndAt: optionalFields.salesEndAt,
  cancellationDeadline: optionalFields.cancellationDeadline,
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
  | { outcome: 'starts-in-past' }
  | WrongTime;

/** A time of the sale or the cancellation deadline does not fit the other times of the event. */
export interface WrongTime {
  readonly outcome: 'wrong-time';
  readonly field: 'salesStartAt' | 'salesEndAt' | 'cancellationDeadline';
  /** The rule that the field breaks. */
  readonly rule: string;
}

/** Returns the rule that the times of an event break, or undefined. */
export function checkTimes({
  startsAt,
  salesStartAt,
  salesEndAt,
  cancellationDeadline,
}: Pick<Event, keyof typeof times>): WrongTime | undefined {
  const outcome = 'wrong-time';
  if (salesEndAt !== null && salesEndAt > startsAt) {
    return { outcome, field: 'salesEndAt', rule: 'must not be after startsAt' };
  }
  if (salesStartAt !== null && salesStartAt >= (salesEndAt ?? startsAt)) {
    const end = salesEndAt === null ? 'startsAt' : 'salesEndAt';
    return { outcome, field: 'salesStartAt', rule: `must be before ${end}` };
  }
  if (cancellationDeadline !== null && cancellationDeadline > startsAt) {
    return { outcome, field: 'cancellationDeadline', rule: 'must not be after startsAt' };
  }
  return undefined;
}

/**
 * Applies changes to an event if `expectedVersion` is its current version. Cancelling a cancelled event changes
 * nothing, not even its reason, and other changes to it are refused. An event that has started can be corrected, but not cancelled or moved
 * to another time. The sales window and the cancellation deadline are checked together with the start, because any of
 * them may change.
 */
export function reviseEvent(
  event: Event,
  expectedVersion: number,
  { changes, now }: { changes: EventChanges; now: Date },
): Revision {
  if (event.version !== expectedVersion) return { outcome: 'version-conflict', currentVersion: event.version };
  const revised = { ...event, ...changes };
  if (event.status === 'CANCELLED' && changes.status === 'CANCELLED') return { outcome: 'unchanged', event };
  if (isSame(event, revised, revisableFields)) return { outcome: 'unchanged', event };
  if (event.status === 'CANCELLED') return { outcome: 'already-cancelled' };
  const isMoved = revised.startsAt.getTime() !== event.startsAt.getTime();
  const isCancelled = revised.status === 'CANCELLED';
  if ((isMoved || isCancelled) && event.startsAt <= now) return { outcome: 'already-started' };
  if (isMoved && revised.startsAt <= now) return { outcome: 'starts-in-past' };
  const wrong = isSame(event, revised, times) ? undefined : checkTimes(revised);
  if (wrong !== undefined) return wrong;
  return { outcome: 'revised', event: { ...revised, version: event.version + 1, updatedAt: now } };
}

const isSame = <Field extends keyof Event>(
  one: Event,
  other: Event,
  fields: Readonly<Record<Field, z.ZodType>>,
): boolean => JSON.stringify(pick(fields, one)) === JSON.stringify(pick(fields, other));
