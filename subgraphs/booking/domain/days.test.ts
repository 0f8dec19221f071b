import fc from 'fast-check';
import { expect, test } from 'vitest';
import { daysBetween } from './days.ts';

const hoursOf = (date: string, timeZone: string) => {
  const [{ from, to } = { from: new Date(0), to: new Date(0) }] = daysBetween(date, date, timeZone);
  return [from.toISOString(), (to.getTime() - from.getTime()) / 3_600_000];
};

test.each([
  ['2030-06-01', 'UTC', '2030-06-01T00:00:00.000Z', 24],
  ['2030-06-01', 'Europe/Berlin', '2030-05-31T22:00:00.000Z', 24],
  ['2030-03-31', 'Europe/Berlin', '2030-03-30T23:00:00.000Z', 23],
  ['2030-10-27', 'Europe/Berlin', '2030-10-26T22:00:00.000Z', 25],
  ['2030-06-01', 'Asia/Kathmandu', '2030-05-31T18:15:00.000Z', 24],
  ['2030-06-01', 'Pacific/Kiritimati', '2030-05-31T10:00:00.000Z', 24],
  ['2030-06-01', 'Etc/GMT+12', '2030-06-01T12:00:00.000Z', 24],
  // Clocks changed at midnight: the day began at 01:00.
  ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z', 23],
  // The zone skipped this day.
  ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00.000Z', 0],
  ['2030-06-01', 'Mars/Base', '2030-06-01T00:00:00.000Z', 24],
])('%s in %s begins at %s and has %d hours', (date, timeZone, from, hours) => {
  expect(hoursOf(date, timeZone)).toEqual([from, hours]);
});

test('days follow each other without gaps, in order of their dates', () => {
  const zones = Intl.supportedValuesOf('timeZone');
  const date = fc.date({ min: new Date('2020-01-01'), max: new Date('2036-12-01'), noInvalidDate: true });
  fc.assert(
    fc.property(date, fc.nat(30), fc.constantFrom(...zones), (start, length, timeZone) => {
      const [first, last] = [0, length].map((days) =>
        new Date(start.getTime() + days * 86_400_000).toISOString().slice(0, 10),
      );
      const days = daysBetween(first ?? '', last ?? '', timeZone);
      expect(days).toHaveLength(length + 1);
      expect([days[0]?.date, days.at(-1)?.date]).toEqual([first, last]);
      for (const [index, { to }] of days.slice(0, -1).entries()) expect(to).toEqual(days[index + 1]?.from);
    }),
  );
});
