import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBookingTestDatabase } from '../testing.ts';
import { countBookings, countBookingsByTime } from './statistics.ts';

const MINUTE_MS = 60_000;
const MIDNIGHT = new Date('2030-06-01T00:00:00.000Z');

describe('the statistics of an event', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: ReturnType<typeof test.connect>['database'];
  beforeAll(async () => {
    test = await createBookingTestDatabase();
    ({ database } = test.connect());
  });
  afterAll(() => test.remove());

  /** Adds a booking whose id was made some milliseconds after midnight. */
  async function add(
    eventId: string,
    ms: number,
    booking: { seatCount?: number; status?: string } = {},
  ): Promise<void> {
    const id = newId({ msecs: MIDNIGHT.getTime() + ms });
    await database.booking.create({ data: { id, eventId, userId: newId(), seatCount: 1, ...booking } });
  }

  it('count confirmed and cancelled bookings and their seats, for each event', async () => {
    const [one, other, empty] = [newId(), newId(), newId()];
    await add(one, 0, { seatCount: 2 });
    await add(one, 1, { seatCount: 3 });
    await add(one, 2, { seatCount: 4, status: 'CANCELLED' });
    await add(other, 0);
    const counted = await countBookings(database, [one, other, empty]);
    expect(counted.get(one)).toEqual(
      expect.arrayContaining([
        { status: 'CONFIRMED', bookings: 2, seats: 5 },
        { status: 'CANCELLED', bookings: 1, seats: 4 },
      ]),
    );
    expect(counted.get(other)).toEqual([{ status: 'CONFIRMED', bookings: 1, seats: 1 }]);
    expect(counted.get(empty)).toBeUndefined();
  });

  it('count by steps of 15 minutes, from a time to before another', async () => {
    const eventId = newId();
    await add(newId(), 0);
    for (const ms of [-1, 0, 15 * MINUTE_MS - 1, 15 * MINUTE_MS, 30 * MINUTE_MS]) await add(eventId, ms);
    await add(eventId, 1, { seatCount: 7, status: 'CANCELLED' });
    const to = new Date(MIDNIGHT.getTime() + 30 * MINUTE_MS);
    const counted = await countBookingsByTime(database, { eventId, from: MIDNIGHT, to });
    expect(counted).toHaveLength(3);
    expect(counted).toEqual(
      expect.arrayContaining([
        { at: MIDNIGHT, status: 'CONFIRMED', bookings: 2, seats: 2 },
        { at: MIDNIGHT, status: 'CANCELLED', bookings: 1, seats: 7 },
        { at: new Date(MIDNIGHT.getTime() + 15 * MINUTE_MS), status: 'CONFIRMED', bookings: 1, seats: 1 },
      ]),
    );
  });
});
