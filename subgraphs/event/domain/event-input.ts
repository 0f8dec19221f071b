import { z } from 'zod';
import { instant, text, wholeNumber } from '#platform/validation.ts';

const VERSION_MAX = 2 ** 31 - 1;

const name = text(1, 200);
const description = text(0, 5_000, { lines: true });
const venue = text(1, 200);
const futureInstant = (now: Date) => instant().refine((date) => date > now, 'must lie in the future');

/** The rules of createEvent's input at this moment. */
export const createEventRules = (now: Date) =>
  z.object({
    name,
    description: description.nullish(),
    venue: venue.nullish(),
    startsAt: futureInstant(now),
    totalSeats: wholeNumber(1, 1_000_000),
  });

export type CreateEventRequest = z.output<ReturnType<typeof createEventRules>>;

/** The rules of updateEvent's input at this moment. What is left out stays; null empties description or venue. */
export const updateEventRules = (now: Date) =>
  z.object({
    id: z.string(),
    expectedVersion: wholeNumber(1, VERSION_MAX),
    name: name.optional(),
    description: description.nullish(),
    venue: venue.nullish(),
    startsAt: futureInstant(now).optional(),
  });

export const cancelEventRules = z.object({ id: z.string(), expectedVersion: wholeNumber(1, VERSION_MAX) });

/** The rules of the filter of a list of events. */
export const eventFilterRules = z
  .object({
    status: z.enum(['SCHEDULED', 'CANCELLED']).nullish(),
    startsAfter: instant().nullish(),
    startsBefore: instant().nullish(),
    nameContains: text(1, 200).nullish(),
  })
  .nullish();

export type EventFilter = z.output<typeof eventFilterRules>;
