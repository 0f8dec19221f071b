import { describe, expect, it } from 'vitest';
import { checkTimes, type Event, reviseEvent } from './event.ts';
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

  it('keeps the reason of a cancellation when the event is cancelled again with another one', () => {
    const cancel = (given: Event, cancellationReason: string | null) =>
      reviseEvent(given, given.version, { changes: { status: 'CANCELLED', cancellationReason }, now: NOW });
    const once = cancel(event(), 'Storm');
    expect(once).toMatchObject({ outcome: 'revised', event: { status: 'CANCELLED', cancellationReason: 'Storm' } });
    const cancelled = event({ status: 'CANCELLED', cancellationReason: 'Storm' });
    for (const reason of ['Flood', null])
      expect(cancel(cancelled, reason)).toEqual({ outcome: 'unchanged', event: cancelled });
  });

  it('checks the cancellation deadline against the start, whichever of them changes', () => {
    const start = event().startsAt;
    const [earlier, later] = [new Date(start.getTime() - 1), new Date(start.getTime() + 1)];
    const revise = (given: Partial<Event>, changes: Partial<Event>) =>
      reviseEvent(event(given), 3, { changes, now: NOW });
    const refused = { outcome: 'wrong-time', field: 'cancellationDeadline', rule: 'must not be after startsAt' };
    expect(revise({}, { cancellationDeadline: later })).toEqual(refused);
    expect(revise({ cancellationDeadline: start }, { startsAt: earlier })).toEqual(refused);
    for (const cancellationDeadline of [start, earlier, NOW, null])
      expect(revise({ cancellationDeadline: new Date(0) }, { cancellationDeadline })).toMatchObject({
        outcome: 'revised',
        event: { cancellationDeadline },
      });
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

  it('sets and removes the rules of the sale', () => {
    const sale = { salesStartAt: NOW, salesEndAt: event().startsAt, maxSeatsPerUser: 4 };
    const none = { salesStartAt: null, salesEndAt: null, maxSeatsPerUser: null };
    expect(reviseEvent(event(), 3, { changes: sale, now: NOW })).toMatchObject({ outcome: 'revised', event: sale });
    expect(reviseEvent(event(sale), 3, { changes: none, now: NOW })).toMatchObject({ outcome: 'revised', event: none });
  });

  it('checks the sales window against the start, whichever of them changes', () => {
    const start = event().startsAt;
    const [earlier, later] = [new Date(start.getTime() - 1), new Date(start.getTime() + 1)];
    const revise = (given: Partial<Event>, changes: Partial<Event>) =>
      reviseEvent(event(given), 3, { changes, now: NOW });
    expect(revise({}, { salesEndAt: later })).toMatchObject({ field: 'salesEndAt' });
    expect(revise({ salesEndAt: start }, { startsAt: earlier })).toMatchObject({ field: 'salesEndAt' });
    expect(revise({ salesStartAt: earlier }, { startsAt: earlier })).toMatchObject({ field: 'salesStartAt' });
    expect(revise({ salesEndAt: start }, { startsAt: earlier, salesEndAt: null })).toMatchObject({
      outcome: 'revised',
    });
  });

  it('accepts other changes of an event whose sales window is wrong', () => {
    const wrong = event({ salesEndAt: new Date('2027-01-01T00:00:00.000Z') });
    for (const changes of [{ name: 'Gala' }, { status: 'CANCELLED' } as const])
      expect(reviseEvent(wrong, 3, { changes, now: NOW })).toMatchObject({ outcome: 'revised' });
  });

  it('refuses to change a cancelled event', () => {
    const result = reviseEvent(event({ status: 'CANCELLED' }), 3, { changes: { name: 'Gala' }, now: NOW });
    expect(result).toEqual({ outcome: 'already-cancelled' });
  });
});

describe('a sales window', () => {
  const [one, two, three] = [1, 2, 3].map((time) => new Date(time));
  const check = (salesStartAt: Date | null = null, salesEndAt: Date | null = null, startsAt = three) =>
    checkTimes({ startsAt: startsAt as Date, salesStartAt, salesEndAt, cancellationDeadline: null });

  it.each([
    [null, null],
    [one, null],
    [null, two],
    [null, three],
    [one, two],
    [one, three],
  ])('from %o to %o is possible for an event that starts later or at its end', (salesStartAt, salesEndAt) =>
    expect(check(salesStartAt, salesEndAt)).toBeUndefined(),
  );

  it.each([
    [three, null, 'salesStartAt', 'must be before startsAt'],
    [two, two, 'salesStartAt', 'must be before salesEndAt'],
    [two, one, 'salesStartAt', 'must be before salesEndAt'],
    [null, new Date(4), 'salesEndAt', 'must not be after startsAt'],
    [one, new Date(4), 'salesEndAt', 'must not be after startsAt'],
  ])('from %o to %o is refused because %s %s', (salesStartAt, salesEndAt, field, rule) =>
    expect(check(salesStartAt, salesEndAt)).toEqual({ outcome: 'wrong-time', field, rule }),
  );
});
