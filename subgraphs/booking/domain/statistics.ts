import { z } from 'zod';
import type { BookingStatus } from './booking.ts';
import { type Day, daysBetween } from './days.ts';

const DAYS_MAX = 366;
const DAY_MS = 86_400_000;

/** Numbers of bookings and of their seats, by their status now. */
export interface BookingCounts {
  readonly confirmedBookings: number;
  readonly soldSeats: number;
  readonly cancelledBookings: number;
  readonly cancelledSeats: number;
}

/** The bookings of one status that began in one step of time, or of all steps. */
export interface CountedBookings {
  readonly status: BookingStatus;
  readonly bookings: number;
  readonly seats: number;
}

/** Adds counts of bookings up. */
export function sumOf(counted: readonly CountedBookings[]): BookingCounts {
  const of = (wanted: BookingStatus) => counted.filter(({ status }) => status === wanted);
  const sum = (all: readonly CountedBookings[], what: 'bookings' | 'seats') =>
    all.reduce((total, one) => total + one[what], 0);
  const [confirmed, cancelled] = [of('CONFIRMED'), of('CANCELLED')];
  return {
    confirmedBookings: sum(confirmed, 'bookings'),
    soldSeats: sum(confirmed, 'seats'),
    cancelledBookings: sum(cancelled, 'bookings'),
    cancelledSeats: sum(cancelled, 'seats'),
  };
}

/** Counts by day, in order of the days, which follow each other. `at` is the start of a step of time within them. */
export function countsByDay(
  days: readonly Day[],
  counted: readonly (CountedBookings & { readonly at: Date })[],
): (BookingCounts & { readonly date: string })[] {
  const inOrder = [...counted].sort((one, other) => one.at.getTime() - other.at.getTime());
  let next = 0;
  return days.map(({ date, to }) => {
    const begin = next;
    while (next < inOrder.length && (inOrder[next]?.at ?? to) < to) next += 1;
    return { date, ...sumOf(inOrder.slice(begin, next)) };
  });
}

const date = z.iso.date('must be a date, like 2030-06-01');

/** The rules for the dates of byDay. */
export const dayRangeRules = z
  .object({ from: date, to: date })
  .refine(({ from, to }) => from <= to, { path: ['to'], error: 'must not be before from' })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) < DAYS_MAX * DAY_MS, {
    path: ['to'],
    error: `must be less than ${DAYS_MAX} days after from`,
  })
  .transform(({ from, to }) => ({ in: (timeZone: string) => daysBetween(from, to, timeZone) }));
