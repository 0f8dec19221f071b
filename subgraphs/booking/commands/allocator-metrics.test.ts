import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { BookOutcome, OutcomeOf, SeatRequest } from '../domain/seat-requests.ts';
import { bookingOf, entryOf, holdOf } from '../domain/testing.ts';
import { bookRequest, checkInRequest, holdRequest, joinRequest } from '../testing.ts';
import type { Allocator } from './allocator.ts';
import { measureRequests, measureWrites } from './allocator-metrics.ts';

it('counts refusals by their reasons', async () => {
  const outcomes: BookOutcome[] = [
    { outcome: 'not-bookable', reason: 'EVENT_CANCELLED' },
    { outcome: 'not-bookable', reason: 'EVENT_STARTED' },
    { outcome: 'not-bookable', reason: 'EVENT_STARTED' },
    { outcome: 'sold-out', availableSeats: 0 },
  ];
  const metrics = new Registry();
  const inner = { submit: async () => outcomes.shift(), stop: async () => undefined } as unknown as Allocator;
  const allocator = measureRequests(inner, metrics);
  while (outcomes.length > 0) await allocator.submit(bookRequest({ eventId: 'an-event' }));
  const text = await metrics.metrics();
  expect(text.match(/(?<=^allocator_outcomes_total\{kind="book",outcome=).*/gm)).toEqual([
    '"event-cancelled"} 1',
    '"event-started"} 2',
    '"sold-out"} 1',
  ]);
});

it('counts holds and waiting by outcome, and the seats that are sold, expire and are offered', async () => {
  const asked: [SeatRequest, OutcomeOf<SeatRequest>][] = [
    [holdRequest({ eventId: 'e' }), { outcome: 'held', hold: holdOf(), replayed: false }],
    [holdRequest({ eventId: 'e' }), { outcome: 'held', hold: holdOf(), replayed: true }],
    [confirmRequest, { outcome: 'confirmed', booking: bookingOf({ seatCount: 3 }), replayed: false }],
    [confirmRequest, { outcome: 'confirmed', booking: bookingOf(), replayed: true }],
    [confirmRequest, { outcome: 'hold-ended', hold: holdOf({ status: 'EXPIRED' }) }],
    [confirmRequest, { outcome: 'hold-ended', hold: holdOf({ status: 'RELEASED' }) }],
    [joinRequest({ eventId: 'e' }), { outcome: 'joined', entry: entryOf(), replayed: false }],
    [joinRequest({ eventId: 'e' }), { outcome: 'seats-available', availableSeats: 1 }],
  ];
  const metrics = new Registry();
  const outcomes = asked.map(([, outcome]) => outcome);
  const inner = { submit: async () => outcomes.shift(), stop: async () => undefined } as unknown as Allocator;
  const allocator = measureRequests(inner, metrics);
  for (const [request] of asked) await allocator.submit(request);
  measureWrites(metrics)({
    ended: [{ hold: holdOf({ status: 'EXPIRED', seatCount: 4 }) }, { hold: holdOf({ status: 'RELEASED' }) }],
    offered: [{ hold: holdOf({ seatCount: 5 }), entry: entryOf() }],
  });
  const text = await metrics.metrics();
  for (const line of [
    'allocator_outcomes_total{kind="hold",outcome="held"} 1',
    'allocator_outcomes_total{kind="hold",outcome="replayed"} 1',
    'allocator_outcomes_total{kind="confirm-hold",outcome="confirmed"} 1',
    'allocator_outcomes_total{kind="confirm-hold",outcome="replayed"} 1',
    'allocator_outcomes_total{kind="confirm-hold",outcome="hold-expired"} 1',
    'allocator_outcomes_total{kind="confirm-hold",outcome="hold-released"} 1',
    'seats_sold_total 3',
    'hold_seats_expired_total 4',
    'allocator_outcomes_total{kind="join-waitlist",outcome="joined"} 1',
    'allocator_outcomes_total{kind="join-waitlist",outcome="seats-available"} 1',
    'waitlist_seats_offered_total 5',
  ])
    expect(text).toContain(`${line}\n`);
});

it('counts check-ins by outcome, and the seats that they let in', async () => {
  const request = checkInRequest({ eventId: 'e', bookingId: 'b1' });
  const checkIn = { id: 'c1', bookingId: 'b1', deviceKey: 'door-one', seats: 3, createdAt: new Date() };
  const outcomes: OutcomeOf<SeatRequest>[] = [
    { outcome: 'checked-in', checkIn, booking: bookingOf(), replayed: false },
    { outcome: 'checked-in', checkIn, booking: bookingOf(), replayed: true },
    { outcome: 'too-many-seats', seatsLeft: 0 },
    { outcome: 'ticket-cancelled', cancelledAt: null },
  ];
  const metrics = new Registry();
  const inner = { submit: async () => outcomes.shift(), stop: async () => undefined } as unknown as Allocator;
  const allocator = measureRequests(inner, metrics);
  while (outcomes.length > 0) await allocator.submit(request);
  const text = await metrics.metrics();
  for (const outcome of ['checked-in', 'replayed', 'too-many-seats', 'ticket-cancelled'])
    expect(text).toContain(`allocator_outcomes_total{kind="check-in",outcome="${outcome}"} 1\n`);
  expect(text).toContain('seats_checked_in_total 3\n');
});

const confirmRequest: SeatRequest = { kind: 'confirm-hold', holdId: 'h1', eventId: 'e', requestId: 'test' };
