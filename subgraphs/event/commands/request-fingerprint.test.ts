import { describe, expect, it } from 'vitest';
import { createEventRules } from '../domain/event-input.ts';
import { fingerprintOf } from './request-fingerprint.ts';

const valid = { name: 'Concert', startsAt: '2026-12-01T20:00:00.000Z', totalSeats: 100 };

describe('the fingerprint of a createEvent request', () => {
  const of = (input: object) => fingerprintOf(createEventRules.parse({ ...valid, ...input }));

  it('is the same for the same event, regardless of notation and idempotency key', () => {
    for (const same of [
      { name: ' Concert ' },
      { startsAt: '2026-12-01T21:00:00+01:00' },
      { description: null, venue: undefined, salesStartAt: null },
      { idempotencyKey: 'another-key' },
    ]) {
      expect(of(same)).toBe(of({}));
    }
  });

  it('differs when any field of the event differs', () => {
    const others = [
      {},
      { name: 'Concerto' },
      { description: '' },
      { description: 'Trio' },
      { venue: 'Trio' },
      { startsAt: '2026-12-01T20:00:00.001Z' },
      { totalSeats: 101 },
      { maxSeatsPerUser: 4 },
      { salesStartAt: '2026-11-01T20:00:00.000Z' },
      { salesEndAt: '2026-11-01T20:00:00.000Z' },
      { timeZone: 'Europe/Berlin' },
      { cancellationDeadline: '2026-11-01T20:00:00.000Z' },
    ];
    expect(new Set(others.map(of)).size).toBe(others.length);
  });
});
