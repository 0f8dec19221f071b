import { describe, expect, it } from 'vitest';
import { type Event, reviseEvent } from './event.ts';
import { testEvent } from './testing.ts';

const NOW = new Date('2026-11-22T09:30:00.000Z');

const event = (change: Partial<Event> = {}): Event =>
  testEvent({ id: 'e1', venue: 'Hall', organizerId: 'olga', version: 3, ...change });

describe('revising an event', () => {
  it('changes the given fields, keeps the others and increases the version by one', () => {
    expect(reviseEvent(event(), 3, { changes: { name: 'Gala', venue: null }, now: NOW })).toEqual({
      outcome: 'revised',
      event: event({ name: 'Gala', venue: null, version: 4, updatedAt: NOW }),
    });
  });

  it('refuses an outdated version and reports the current one', () => {
    const result = reviseEvent(event(), 2, { changes: { name: 'Gala' }, now: NOW });
    expect(result).toEqual({ outcome: 'version-conflict', currentVersion: 3 });
  });

  it('keeps the version when nothing changes', () => {
    const changes = { name: 'Concert', startsAt: new Date('2026-12-01T20:00:00.000Z') };
    expect(reviseEvent(event(), 3, { changes, now: NOW })).toEqual({ outcome: 'unchanged', event: event() });
  });

  it('cancels an event, and changes nothing when it is cancelled again', () => {
    const changes = { status: 'CANCELLED' } as const;
    const once = reviseEvent(event(), 3, { changes, now: NOW });
    expect(once).toMatchObject({ outcome: 'revised', event: { status: 'CANCELLED', version: 4 } });
    const cancelled = event({ status: 'CANCELLED' });
    expect(reviseEvent(cancelled, 3, { changes, now: NOW })).toEqual({ outcome: 'unchanged', event: cancelled });
  });

  describe('that has started', () => {
    const started = event({ startsAt: NOW });

    it.each([
      ['cancelling it', { status: 'CANCELLED' }],
      ['moving it into the future', { startsAt: new Date('2026-12-01T20:00:00.000Z') }],
      ['moving it within the past', { startsAt: new Date('2026-11-01T20:00:00.000Z') }],
      ['moving it together with a correction', { name: 'Gala', startsAt: new Date('2026-12-01T20:00:00.000Z') }],
    ] as const)('refuses %s', (_what, changes) => {
      expect(reviseEvent(started, 3, { changes, now: NOW })).toEqual({ outcome: 'already-started' });
    });

    it('accepts corrections that do not change its start', () => {
      const changes = { name: 'Gala', description: 'It was sold out.', venue: null, startsAt: new Date(NOW) };
      expect(reviseEvent(started, 3, { changes, now: NOW })).toEqual({
        outcome: 'revised',
        event: { ...started, ...changes, version: 4, updatedAt: NOW },
      });
    });

    it('accepts a cancellation one millisecond before the start', () => {
      const now = new Date(NOW.getTime() - 1);
      const result = reviseEvent(started, 3, { changes: { status: 'CANCELLED' }, now });
      expect(result).toMatchObject({ outcome: 'revised', event: { status: 'CANCELLED' } });
    });

    it('changes nothing when a cancelled event is cancelled again', () => {
      const cancelled = { ...started, status: 'CANCELLED' } as const;
      const result = reviseEvent(cancelled, 3, { changes: { status: 'CANCELLED' }, now: NOW });
      expect(result).toEqual({ outcome: 'unchanged', event: cancelled });
    });
  });

  it('refuses a new start that is not in the future', () => {
    for (const startsAt of [NOW, new Date(NOW.getTime() - 1)]) {
      expect(reviseEvent(event(), 3, { changes: { startsAt }, now: NOW })).toEqual({ outcome: 'starts-in-past' });
    }
    const soon = new Date(NOW.getTime() + 1);
    expect(reviseEvent(event(), 3, { changes: { startsAt: soon }, now: NOW })).toMatchObject({ outcome: 'revised' });
  });

  it('refuses to change a cancelled event', () => {
    const result = reviseEvent(event({ status: 'CANCELLED' }), 3, { changes: { name: 'Gala' }, now: NOW });
    expect(result).toEqual({ outcome: 'already-cancelled' });
  });
});
