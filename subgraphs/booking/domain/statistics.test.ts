import { describe, expect, it } from 'vitest';
import { badUserInput } from '#platform/errors/errors.ts';
import { parseArgument } from '#platform/errors/validation.ts';
import { countsByDay, dayRangeRules, sumOf } from './statistics.ts';

const NONE = { confirmedBookings: 0, soldSeats: 0, cancelledBookings: 0, cancelledSeats: 0 };
const confirmed = (bookings: number, seats: number) => ({ status: 'CONFIRMED', bookings, seats }) as const;
const cancelled = (bookings: number, seats: number) => ({ status: 'CANCELLED', bookings, seats }) as const;

describe('the counts of bookings', () => {
  it('are added up by status', () => {
    expect(sumOf([])).toEqual(NONE);
    expect(sumOf([confirmed(1, 2), cancelled(3, 4), confirmed(5, 6)])).toEqual({
      confirmedBookings: 6,
      soldSeats: 8,
      cancelledBookings: 3,
      cancelledSeats: 4,
    });
  });

  it('belong to the day in which their step of time lies, whatever their order', () => {
    const days = parseArgument(dayRangeRules, 'byDay', { from: '2030-03-30', to: '2030-04-01' }).in('Europe/Berlin');
    const at = (iso: string) => ({ at: new Date(iso) });
    const counted = [
      { ...confirmed(1, 1), ...at('2030-03-31T21:45:00.000Z') },
      { ...confirmed(2, 20), ...at('2030-03-29T23:00:00.000Z') },
      { ...cancelled(3, 30), ...at('2030-03-30T22:45:00.000Z') },
      { ...confirmed(4, 40), ...at('2030-03-30T23:00:00.000Z') },
    ];
    expect(countsByDay(days, counted)).toEqual([
      { date: '2030-03-30', ...NONE, confirmedBookings: 2, soldSeats: 20, cancelledBookings: 3, cancelledSeats: 30 },
      { date: '2030-03-31', ...NONE, confirmedBookings: 5, soldSeats: 41 },
      { date: '2030-04-01', ...NONE },
    ]);
  });
});

describe('the range of days', () => {
  const daysIn = (range: object) => parseArgument(dayRangeRules, 'byDay', range as never).in('UTC').length;

  it('has at most 366 days', () => {
    expect(daysIn({ from: '2030-01-01', to: '2030-01-01' })).toBe(1);
    expect(daysIn({ from: '2028-01-01', to: '2028-12-31' })).toBe(366);
    expect(() => daysIn({ from: '2030-01-01', to: '2031-01-02' })).toThrow(
      badUserInput('byDay.to must be less than 366 days after from.'),
    );
  });

  it.each([
    [{ from: '2030-01-02', to: '2030-01-01' }, 'byDay.to must not be before from.'],
    [{ from: '2030-02-30', to: '2030-03-01' }, 'byDay.from must be a date, like 2030-06-01.'],
    [{ from: '2030-01-01', to: '2030-01-01T00:00:00Z' }, 'byDay.to must be a date, like 2030-06-01.'],
  ])('refuses %o', (range, message) => expect(() => daysIn(range)).toThrow(badUserInput(message)));
});
