import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BookingProcess, createBookingProcess } from '../support/booking-process.ts';
import { signInMany } from '../support/buyers.ts';
import { createEvent, signUp } from '../support/client.ts';
import { connectTo, expectSeatsAddUp } from '../support/invariants.ts';
import { createRandom, eachOfMany } from '../support/random.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const SEED = Number(process.env.TEST_SEED ?? Date.now() % 100_000);
const BUYERS = 2_000;
const SEATS = 50;
const AT_ONCE = 200;

describe(`R1: 2,000 buyers, 50 seats, three booking processes (TEST_SEED=${SEED})`, () => {
  let system: TestSystem;
  let connection: Connection;
  let processes: BookingProcess[];

  beforeAll(async () => {
    system = await startTestSystem();
    const urls = [system.urls.booking, await system.startReplica('booking'), await system.startReplica('booking')];
    processes = urls.map((url) => createBookingProcess(url, system.secrets.subgraphs.booking));
    connection = await connectTo(system.databaseUrls.booking);
  });
  afterAll(async () => {
    await connection?.end();
    await Promise.all((processes ?? []).map((process) => process.close()));
    await system?.stop();
  });

  it('sells no seat twice while buyers book, cancel and book again in random order', async () => {
    const random = createRandom(SEED);
    const anyProcess = () => processes[Math.floor(random() * processes.length)] as BookingProcess;
    const eventId = await createEvent(await signUp(system.graphqlUrl), { totalSeats: SEATS });
    const buyers = await signInMany(BUYERS, system.secrets);
    /** The acknowledged bookings, by id. */
    const acknowledged = new Map<string, { userId: string; seatCount: number; cancelled: boolean }>();
    const refusals = new Set<string>();

    await eachOfMany(buyers, AT_ONCE, async (buyer, index) => {
      for (let turn = 0; turn < 2; turn += 1) {
        const input = { eventId, seatCount: 1 + Math.floor(random() * 4), idempotencyKey: `buyer-${index}-${turn}` };
        const answer = await anyProcess().book(buyer, input);
        if (answer.outcome === 'refused') refusals.add(answer.code);
        expect(answer.outcome).not.toBe('unknown');
        if (answer.outcome !== 'booked') return;
        expect(answer).toMatchObject({ seatCount: input.seatCount, replayed: false });
        const booking = { userId: buyer.userId, seatCount: input.seatCount, cancelled: false };
        acknowledged.set(answer.bookingId, booking);
        if (random() < 0.3) return;
        const [one, other] = await Promise.all([1, 2].map(() => anyProcess().cancel(buyer, answer.bookingId)));
        expect([one, other]).toEqual([true, true]);
        booking.cancelled = true;
      }
    });

    await expectSeatsAddUp(connection);
    const rows = await connection.query<{ id: string; user_id: string; seat_count: number; status: string }[]>(
      'SELECT id, user_id, seat_count, status FROM bookings WHERE event_id = ?',
      [eventId],
    );
    // G2: the acknowledged bookings are stored as they were acknowledged, and there are no others.
    const inDatabase = rows.map((row) => [row.id, row.user_id, row.seat_count, row.status === 'CANCELLED']);
    const expected = [...acknowledged].map(([id, one]) => [id, one.userId, one.seatCount, one.cancelled]);
    expect(inDatabase.sort()).toEqual(expected.sort());
    expect([...refusals]).toEqual(['SOLD_OUT']);
    expect(acknowledged.size).toBeGreaterThan(SEATS / 4);
  });
});
