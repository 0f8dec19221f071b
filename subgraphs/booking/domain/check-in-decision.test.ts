import { describe, expect, it } from 'vitest';
import { decide } from './allocation.ts';
import type { CheckIn } from './check-in.ts';
import type { SeatRequest } from './seat-requests.ts';
import { bookingOf, cancelOf, checkInOf, inventory, NO_WRITES, NOW, stateOf } from './testing.ts';

const CONCERT = inventory({ availableSeats: 6 });
const BOOKING = bookingOf({ seatCount: 4 });
const CANCEL = cancelOf();
const earlier = (change: Partial<CheckIn> = {}): CheckIn => ({
  id: 'c0',
  bookingId: 'b1',
  deviceKey: 'door-one',
  seats: 1,
  createdAt: NOW,
  ...change,
});

const decideOn = (
  batch: readonly SeatRequest[],
  { booking = BOOKING, event = CONCERT, checkIns = [] as CheckIn[] } = {},
) => decide(batch, stateOf([event], { bookings: [booking], checkIns }));

describe('checking in', () => {
  it('counts the seats of the booking and of the event', () => {
    const { outcomes, writes } = decideOn([checkInOf({ seats: 3 })]);
    const booking = { ...BOOKING, checkedInSeats: 3 };
    const checkIn = { id: 'c1', bookingId: 'b1', deviceKey: 'door-one', seats: 3, createdAt: NOW };
    expect(outcomes).toEqual([{ outcome: 'checked-in', checkIn, booking, replayed: false }]);
    expect(writes).toEqual({
      ...NO_WRITES,
      checkedIn: [{ checkIn, booking }],
      inventories: [{ ...CONCERT, checkedInSeats: 3 }],
    });
  });

  it('lets the guests of a booking arrive in parts, and never more than it has seats', () => {
    const { outcomes, writes } = decideOn([
      checkInOf({ checkInId: 'c1', deviceKey: 'door-one', seats: 3 }),
      checkInOf({ checkInId: 'c2', deviceKey: 'door-two', seats: 2 }),
      checkInOf({ checkInId: 'c3', deviceKey: 'door-three', seats: 1 }),
      checkInOf({ checkInId: 'c4', deviceKey: 'door-four', seats: 1 }),
    ]);
    expect(outcomes).toMatchObject([
      { outcome: 'checked-in', booking: { checkedInSeats: 3 } },
      { outcome: 'too-many-seats', seatsLeft: 1 },
      { outcome: 'checked-in', booking: { checkedInSeats: 4 } },
      { outcome: 'too-many-seats', seatsLeft: 0 },
    ]);
    expect(writes.checkedIn.map(({ booking }) => booking.checkedInSeats)).toEqual([3, 4]);
    expect(writes.inventories).toEqual([{ ...CONCERT, checkedInSeats: 4 }]);
  });

  it('returns the first check-in of a device key, and refuses the key for another number of seats', () => {
    const state = { booking: { ...BOOKING, checkedInSeats: 1 }, checkIns: [earlier()] };
    const { outcomes, writes } = decideOn([checkInOf(), checkInOf({ seats: 2 })], state);
    expect(outcomes).toEqual([
      { outcome: 'checked-in', checkIn: earlier(), booking: state.booking, replayed: true },
      { outcome: 'key-reused' },
    ]);
    expect(writes).toEqual(NO_WRITES);
  });

  it('recognizes its own check-in after a lost answer, and the key of an earlier request of the same batch', () => {
    const lost = decideOn([checkInOf({ checkInId: 'c0' })], { checkIns: [earlier()] });
    expect(lost.outcomes).toMatchObject([{ outcome: 'checked-in', replayed: false }]);
    const twice = decideOn([checkInOf(), checkInOf({ checkInId: 'c2' })]);
    expect(twice.outcomes).toMatchObject([
      { checkIn: { id: 'c1' }, replayed: false },
      { checkIn: { id: 'c1' }, replayed: true },
    ]);
    expect(twice.writes.checkedIn).toHaveLength(1);
  });

  it('uses a device key for each booking separately', () => {
    const other = bookingOf({ id: 'b2', seatCount: 1 });
    const { outcomes } = decide(
      [checkInOf(), checkInOf({ bookingId: 'b2', checkInId: 'c2' })],
      stateOf([CONCERT], { bookings: [BOOKING, other] }),
    );
    expect(outcomes).toMatchObject([{ replayed: false }, { replayed: false }]);
  });

  it('refuses the ticket of a cancelled booking or event, also for a known device key', () => {
    const cancelled = bookingOf({ seatCount: 4, status: 'CANCELLED', cancelledAt: NOW });
    expect(decideOn([checkInOf()], { booking: cancelled, checkIns: [earlier()] })).toEqual({
      outcomes: [{ outcome: 'ticket-cancelled', cancelledAt: NOW }],
      writes: NO_WRITES,
    });
    const closing = decideOn([checkInOf()], { event: { ...CONCERT, status: 'CANCELLED' } });
    expect(closing.outcomes).toEqual([{ outcome: 'ticket-cancelled', cancelledAt: null }]);
  });

  it('knows no booking of another event, and no unknown booking', () => {
    const { outcomes } = decideOn([checkInOf({ eventId: 'opera' }), checkInOf({ bookingId: 'b9' })]);
    expect(outcomes).toEqual([{ outcome: 'unknown-booking' }, { outcome: 'unknown-booking' }]);
  });

  it('works after the event has started, because guests come late', () => {
    expect(decideOn([checkInOf()], { event: { ...CONCERT, startsAt: NOW } }).outcomes).toMatchObject([
      { outcome: 'checked-in' },
    ]);
  });
});

describe('cancelling a booking at the door', () => {
  it('is refused after a check-in, and comes first before it', () => {
    const after = decideOn([checkInOf(), CANCEL]);
    expect(after.outcomes).toMatchObject([{ outcome: 'checked-in' }, { outcome: 'booking-checked-in' }]);
    expect(after.writes.cancelled).toEqual([]);
    const before = decideOn([CANCEL, checkInOf()]);
    expect(before.outcomes).toMatchObject([
      { outcome: 'cancelled' },
      { outcome: 'ticket-cancelled', cancelledAt: NOW },
    ]);
    expect(before.writes.checkedIn).toEqual([]);
  });

  it('is refused for the check-in first, also after the deadline and for admins', () => {
    const event = { ...CONCERT, cancellationDeadline: NOW, checkedInSeats: 1 };
    for (const hasDeadline of [true, false]) {
      const { outcomes } = decideOn([cancelOf({ hasDeadline })], { booking: { ...BOOKING, checkedInSeats: 1 }, event });
      expect(outcomes).toMatchObject([{ outcome: 'booking-checked-in' }]);
    }
  });

  it('works for a checked-in booking of a cancelled event', () => {
    const { outcomes, writes } = decideOn([CANCEL], {
      booking: { ...BOOKING, checkedInSeats: 2 },
      event: { ...CONCERT, status: 'CANCELLED', checkedInSeats: 2 },
    });
    expect(outcomes).toMatchObject([{ outcome: 'cancelled', booking: { checkedInSeats: 2 } }]);
    expect(writes.inventories).toMatchObject([{ availableSeats: 10, checkedInSeats: 2 }]);
  });
});
