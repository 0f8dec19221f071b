import { describe, expect, it } from 'vitest';
import { parseInput } from '#platform/errors/validation.ts';
import { cancelEventRules, createEventRules, updateEventRules, withDefaultTimes } from './event-input.ts';

const valid = { name: 'Concert', startsAt: '2026-12-01T20:00:00.000Z', totalSeats: 100 };

const refusedField = (input: object) => {
  const result = parseInput(createEventRules, { ...valid, ...input });
  return result.ok ? undefined : result.error.field;
};

describe("createEvent's input", () => {
  it('is accepted at its limits', () => {
    for (const input of [
      { name: 'x' },
      { name: '🎟'.repeat(200) },
      { description: '' },
      { description: 'two\nlines' },
      { venue: null },
      { timeZone: null },
      { timeZone: 'Europe/Berlin' },
      { totalSeats: 1 },
      { totalSeats: 1_000_000 },
      { salesStartAt: null, salesEndAt: null, maxSeatsPerUser: null },
      { salesStartAt: '2026-11-01T09:00:00+01:00', salesEndAt: '2026-12-01T20:00:00Z' },
      { maxSeatsPerUser: 1 },
      { maxSeatsPerUser: 100 },
      { cancellationDeadline: null },
      { cancellationDeadline: '2026-12-01T20:00:00Z' },
      { idempotencyKey: null },
      { idempotencyKey: '!~'.repeat(4) },
      { idempotencyKey: 'x'.repeat(128) },
    ]) {
      expect(refusedField(input)).toBeUndefined();
    }
  });

  it.each([
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(201) }],
    ['name', { name: 'a\u0000b' }],
    ['description', { description: 'x'.repeat(5_001) }],
    ['venue', { venue: 'x'.repeat(201) }],
    ['venue', { venue: '' }],
    ['startsAt', { startsAt: 'soon' }],
    ['startsAt', { startsAt: '10000-01-01T00:00:00.000Z' }],
    ['timeZone', { timeZone: 'Mars/Base' }],
    ['totalSeats', { totalSeats: 0 }],
    ['totalSeats', { totalSeats: 1_000_001 }],
    ['salesStartAt', { salesStartAt: 'soon' }],
    ['salesEndAt', { salesEndAt: '2026-12-01' }],
    ['maxSeatsPerUser', { maxSeatsPerUser: 0 }],
    ['maxSeatsPerUser', { maxSeatsPerUser: 1.5 }],
    ['maxSeatsPerUser', { maxSeatsPerUser: 101 }],
    ['cancellationDeadline', { cancellationDeadline: 'later' }],
    ['idempotencyKey', { idempotencyKey: '' }],
    ['idempotencyKey', { idempotencyKey: 'x'.repeat(7) }],
    ['idempotencyKey', { idempotencyKey: 'x'.repeat(129) }],
    ['idempotencyKey', { idempotencyKey: 'with a space' }],
    ['idempotencyKey', { idempotencyKey: 'schlüssel' }],
  ])('is refused with the path of the field %s for %j', (field, input) =>
    expect(refusedField(input)).toBe(`input.${field}`),
  );
});

describe("updateEvent's input", () => {
  const parse = (input: object) => parseInput(updateEventRules, { id: 'e1', expectedVersion: 1, ...input });

  it('may omit all changes, and may set optional fields to null', () => {
    expect(parse({})).toMatchObject({ ok: true });
    const optional = ['description', 'venue', 'salesStartAt', 'salesEndAt', 'maxSeatsPerUser', 'cancellationDeadline'];
    for (const field of optional)
      expect(parse({ [field]: null })).toMatchObject({ ok: true, value: { [field]: null } });
  });

  it.each([
    ['name', { name: null }],
    ['startsAt', { startsAt: null }],
    ['timeZone', { timeZone: null }],
    ['timeZone', { timeZone: '+01:00' }],
    ['expectedVersion', { expectedVersion: 0 }],
    ['maxSeatsPerUser', { maxSeatsPerUser: 1_000_001 }],
  ])('is refused with the path of the field %s for %j', (field, input) => {
    expect(parse(input)).toMatchObject({ ok: false, error: { field: `input.${field}` } });
  });
});

describe("cancelEvent's input", () => {
  const parse = (reason?: string | null) => parseInput(cancelEventRules, { id: 'e1', expectedVersion: 1, reason });

  it('takes a reason of 1 to 500 characters, or none', () => {
    for (const reason of [undefined, null, 'x', '🎟'.repeat(500)]) expect(parse(reason)).toMatchObject({ ok: true });
    for (const reason of ['', ' ', 'x'.repeat(501), 'two\nlines'])
      expect(parse(reason)).toMatchObject({ ok: false, error: { field: 'input.reason' } });
  });
});

describe('the default time range of a list of events', () => {
  const NOW = new Date('2026-11-22T09:30:00.000Z');
  const past = new Date('2020-01-01T00:00:00.000Z');

  it('starts now when the filter has no time', () => {
    expect(withDefaultTimes({ status: 'SCHEDULED' }, NOW)).toEqual({ status: 'SCHEDULED', startsAfter: NOW });
    expect(withDefaultTimes({ startsAfter: null, startsBefore: null }, NOW)).toMatchObject({ startsAfter: NOW });
  });

  it.each([{ startsAfter: past }, { startsBefore: past }])('is not used when the filter has a time: %j', (filter) => {
    expect(withDefaultTimes(filter, NOW)).toEqual(filter);
  });
});
