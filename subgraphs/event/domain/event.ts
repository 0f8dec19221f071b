import { z } from 'zod';

/** The fields that a revision may change and that are optional in createEvent. */
export const optionalFields = {
  description: z.string().nullable(),
  venue: z.string().nullable(),
  salesStartAt: z.coerce.date().nullable(),
  salesEndAt: z.coerce.date().nullable(),
  maxSeatsPerUser: z.number().nullable(),
};

/** The fields that a revision may change. */
export const revisableFields = {
  name: z.string(),
  ...optionalFields,
  startsAt: z.coerce.date(),
  status: z.enum(['SCHEDULED', 'CANCELLED']),
};

const salesWindow = {
  startsAt: revisableFields.startsAt,
  salesStartAt: optionalFields.salesStartAt,
  salesEndAt: optionalFields.salesEndAt,
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
  | WrongSalesWindow;

/** The sale would end after the event starts, or would not start before its end. */
export interface WrongSalesWindow {
  readonly outcome: 'wrong-sales-window';
  readonly field: 'salesStartAt' | 'salesEndAt';
  /** The rule that the field breaks. */
  readonly rule: string;
}

/** Returns the rule that the sales window of an event breaks, or undefined. */
export function checkSalesWindow({
  startsAt,
  salesStartAt,
  salesEndAt,
}: Pick<Event, keyof typeof salesWindow>): WrongSalesWindow | undefined {
  const outcome = 'wrong-sales-window';
  if (salesEndAt !== null && salesEndAt > startsAt) {
    return { outcome, field: 'salesEndAt', rule: 'must not be after startsAt' };
  }
  if (salesStartAt !== null && salesStartAt >= (salesEndAt ?? startsAt)) {
    const end = salesEndAt === null ? 'startsAt' : 'salesEndAt';
    return { outcome, field: 'salesStartAt', rule: `must be before ${end}` };
  }
  return undefined;
}

/**
 * Applies changes to an event if `expectedVersion` is its current version. Cancelling a cancelled event changes
 * nothing, and other changes to it are refused. An event that has started can be corrected, but not cancelled or moved
 * to another time. The sales window is checked together with the start, because either may change.
 */
export function reviseEvent(
  event: Event,
  expectedVersion: number,
  { changes, now }: { changes: EventChanges; now: Date },
): Revision {
  if (event.version !== expectedVersion) return { outcome: 'version-conflict', currentVersion: event.version };
  const revised = { ...event, ...changes };
  if (isSame(event, revised, revisableFields)) return { outcome: 'unchanged', event };
  if (event.status === 'CANCELLED') return { outcome: 'already-cancelled' };
  const isMoved = revised.startsAt.getTime() !== event.startsAt.getTime();
  const isCancelled = revised.status === 'CANCELLED';
  if ((isMoved || isCancelled) && event.startsAt <= now) return { outcome: 'already-started' };
  if (isMoved && revised.startsAt <= now) return { outcome: 'starts-in-past' };
  const wrong = isSame(event, revised, salesWindow) ? undefined : checkSalesWindow(revised);
  if (wrong !== undefined) return wrong;
  return { outcome: 'revised', event: { ...revised, version: event.version + 1, updatedAt: now } };
}

const isSame = <Field extends keyof Event>(
  one: Event,
  other: Event,
  fields: Readonly<Record<Field, z.ZodType>>,
): boolean => JSON.stringify(pick(fields, one)) === JSON.stringify(pick(fields, other));
