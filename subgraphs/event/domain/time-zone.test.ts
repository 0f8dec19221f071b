import { expect, test } from 'vitest';
import { timeZoneName } from './time-zone.ts';

test.each([
  ['Europe/Berlin', 'Europe/Berlin'],
  ['europe/berlin', 'Europe/Berlin'],
  ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ['Etc/GMT+5', 'Etc/GMT+5'],
  ['utc', 'UTC'],
  ['Asia/Kolkata', 'Asia/Kolkata'],
])('the time zone %s is known as %s', (name, known) => expect(timeZoneName().parse(name)).toBe(known));

test.each(['', ' UTC', '+01:00', 'Mars/Base', 'Europe/', 'Europe/Berlin\n', 'Zürich', 'x'.repeat(10_000)])(
  'the time zone %j is refused',
  (name) => {
    const { error } = timeZoneName().safeParse(name);
    expect(error?.issues[0]?.message).toBe('must be the IANA name of a time zone, like Europe/Berlin');
  },
);
