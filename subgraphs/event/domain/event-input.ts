import { z } from 'zod';
import { idempotencyKey, instant, text, wholeNumber } from '#platform/errors/validation.ts';
import type { EventChanges } from './event.ts';
import { wordsOf } from './name-search.ts';
import { timeZoneName } from './time-zone.ts';

const VERSION_MAX = 2 ** 31 - 1;
const SEARCH_WORDS_MAX = 8;

const TOTAL_SEATS_MAX = 1_000_000;

const name = text(1, 200);
const description = text(0, 5_000, { lines: true });
const venue = text(1, 200);
const reason = text(1, 500);

/** A validation rule for each fact that createEvent and updateEvent accept. */
type FactRules = Record<Exclude<keyof EventChanges, 'status' | 'cancellationReason'>, z.ZodType>;

const givenFacts = {
  name,
  description: description.nullish(),
  venue: venue.nullish(),
  startsAt: instant(),
  timeZone: timeZoneName().nullish(),
  salesStartAt: instant().nullish(),
  salesEndAt: instant().nullish(),
  maxSeatsPerUser: wholeNumber(1, TOTAL_SEATS_MAX).nullish(),
  cancellationDeadline: instant().nullish(),
} satisfies FactRules;

const changedFacts = {
  ...givenFacts,
  name: name.optional(),
  startsAt: instant().optional(),
  timeZone: timeZoneName().optional(),
} satisfies FactRules;

/** The rules of createEvent's input. */
export const createEventRules = z
  .object({
    ...givenFacts,
    totalSeats: wholeNumber(1, TOTAL_SEATS_MAX),
    idempotencyKey: idempotencyKey().nullish(),
  })
  .refine(({ maxSeatsPerUser, totalSeats }) => maxSeatsPerUser == null || maxSeatsPerUser <= totalSeats, {
    path: ['maxSeatsPerUser'],
    error: 'must not be more than totalSeats',
  });

export type CreateEventRequest = z.output<typeof createEventRules>;

/** The rules of updateEvent's input. Omitted fields stay unchanged. Null removes an optional fact. */
export const updateEventRules = z.object({
  id: z.string(),
  expectedVersion: wholeNumber(1, VERSION_MAX),
  ...changedFacts,
});

export const cancelEventRules = z.object({
  id: z.string(),
  expectedVersion: wholeNumber(1, VERSION_MAX),
  reason: reason.nullish(),
});

/** The validation rules of the filter for a list of events. */
export const eventFilterRules = z
  .object({
    status: z.enum(['SCHEDULED', 'CANCELLED']).nullish(),
    startsAfter: instant().nullish(),
    startsBefore: instant().nullish(),
    nameContains: text(1, 200)
      .transform(wordsOf)
      .refine((words) => words.length > 0, 'must contain a letter or a digit')
      .refine((words) => words.length <= SEARCH_WORDS_MAX, `must have at most ${SEARCH_WORDS_MAX} words`)
      .nullish(),
  })
  .nullish();

export type EventFilter = z.output<typeof eventFilterRules>;

/** Returns the filter. If it has no time, it is limited to future events. */
export const withDefaultTimes = (filter: NonNullable<EventFilter>, now: Date): NonNullable<EventFilter> =>
  filter.startsAfter == null && filter.startsBefore == null ? { ...filter, startsAfter: now } : filter;
