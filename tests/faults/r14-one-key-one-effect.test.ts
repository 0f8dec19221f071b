import { randomUUID } from 'node:crypto';
import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type BookingProcess, createBookingProcess } from '../support/booking-process.ts';
import { signInMany } from '../support/buyers.ts';
import { type Client, createEvent, signUp } from '../support/client.ts';
import { connectTo, expectAllNotified, expectSeatsAddUp } from '../support/invariants.ts';
import { promise } from '../support/promise.ts';
import { eachOfMany } from '../support/random.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const SENDS = 10_000;
const AT_ONCE = 200;
const BUYERS = 600;

describe('one idempotency key', () => {
  let system: TestSystem;
  let connection: Connection;
  let urls: string[];
  let processes: BookingProcess[];
  let ada: Client;

  beforeAll(async () => {
    system = await startTestSystem();
    urls = [system.urls.booking, await system.startReplica('booking'), await system.startReplica('booking')];
    processes = urls.map((url) => createBookingProcess(url, system.secrets.subgraphs.booking));
    connection = await connectTo(system.databaseUrls.booking);
    ada = await signUp(system.graphqlUrl);
  });
  afterAll(async () => {
    await connection?.end();
    await Promise.all((processes ?? []).map((process) => process.close()));
    await system?.stop();
  });

  const processOf = (index: number) => processes[index % processes.length] as BookingProcess;
  const buyerOf = ({ userId, accessToken }: Client) => ({ userId, authorization: `Bearer ${accessToken}` });
  const countBookings = async (eventId: string) => {
    const [row] = await connection.query<{ count: bigint }[]>(
      'SELECT COUNT(*) AS count FROM bookings WHERE event_id = ?',
      [eventId],
    );
    return Number(row?.count);
  };

  promise(
    'R14: has one effect and one answer when it is sent 10,000 times to three processes, 200 at a time',
    {
      without: 'the same key in every request',
      fails: /R14: one booking/,
    },
    async (isControl) => {
      const eventId = await createEvent(ada, { totalSeats: 2 * SENDS });
      const input = { eventId, seatCount: 2, idempotencyKey: 'sent-ten-thousand-times' };
      const answers = await eachOfMany(Array(SENDS).fill(input), AT_ONCE, (one, index) =>
        processOf(index).book(buyerOf(ada), isControl ? { ...one, idempotencyKey: randomUUID() } : one),
      );
      const bookings = answers.filter((answer) => answer.outcome === 'booked');
      expect(bookings).toHaveLength(SENDS);
      expect(new Set(bookings.map(({ bookingId }) => bookingId)).size, 'R14: one booking').toBe(1);
      expect(bookings.filter(({ replayed }) => !replayed)).toHaveLength(1);
      expect(await countBookings(eventId)).toBe(1);
      const outbox = await connection.query("SELECT id FROM outbox WHERE payload LIKE CONCAT('%', ?, '%')", [
        bookings[0]?.bookingId,
      ]);
      expect(outbox).toHaveLength(1);
      await expectSeatsAddUp(connection);
      await expectAllNotified(system);
    },
  );

  it('R15: is refused with other parameters, is separate for each user, and can be used again after a refusal', async () => {
    const eventId = await createEvent(ada, { totalSeats: 5 });
    const bob = await signUp(system.graphqlUrl, 'Bob');
    const input = { eventId, seatCount: 1, idempotencyKey: 'the-key-of-both' };
    const first = await processOf(0).book(buyerOf(ada), input);
    expect(first).toMatchObject({ outcome: 'booked', replayed: false });
    expect(await processOf(1).book(buyerOf(ada), { ...input, seatCount: 2 })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect(await processOf(2).book(buyerOf(bob), input)).toMatchObject({ outcome: 'booked', replayed: false });
    expect(await processOf(1).book(buyerOf(ada), input)).toEqual({ ...first, replayed: true });

    const tooMany = { eventId, seatCount: 4, idempotencyKey: 'refused-at-first' };
    expect(await processOf(0).book(buyerOf(ada), tooMany)).toEqual({ outcome: 'refused', code: 'SOLD_OUT' });
    if (first.outcome !== 'booked') throw new Error(first.outcome);
    expect(await processOf(1).cancel(buyerOf(ada), first.bookingId)).toBe(true);
    expect(await processOf(2).book(buyerOf(ada), tooMany)).toMatchObject({ outcome: 'booked', replayed: false });
    await expectSeatsAddUp(connection);
  });

  promise(
    'R15: completes its booking with a retry at another process when the first process was killed',
    {
      without: 'the same key in the retry',
      fails: /R15: a retry with the first key finds the booking/,
    },
    async (isControl) => {
      const eventId = await createEvent(ada, { totalSeats: 10_000 });
      const buyers = await signInMany(BUYERS, system.secrets);
      const doomed = processOf(2);
      const sending = eachOfMany(buyers, BUYERS, async (buyer, index) => {
        const input = { eventId, seatCount: 1, idempotencyKey: `survivor-${index}` };
        const answer: Answer = await doomed.book(buyer, input);
        if (index === BUYERS / 6) system.kill(urls[2] as string);
        return { buyer, input, answer };
      });
      const sent = await sending;
      const unknown = sent.filter(({ answer }) => answer.outcome === 'unknown');
      expect(unknown.length).toBeGreaterThan(0);
      expect(unknown.length).toBeLessThan(BUYERS);

      // G4: every retry gets one final answer, whether or not the booking was committed before the kill.
      const retried = await eachOfMany(unknown, AT_ONCE, ({ buyer, input }, index) =>
        processOf(index % 2).book(buyer, isControl ? { ...input, idempotencyKey: randomUUID() } : input),
      );
      for (const answer of retried) expect(answer.outcome).toBe('booked');
      const again = await eachOfMany(sent, AT_ONCE, ({ buyer, input }, index) =>
        processOf(index % 2).book(buyer, input),
      );
      for (const [index, answer] of again.entries()) {
        const { answer: first } = sent[index] ?? {};
        const found = { outcome: 'booked', replayed: true };
        expect(answer, 'R15: a retry with the first key finds the booking').toMatchObject(found);
        if (first?.outcome === 'booked') expect(answer).toMatchObject({ bookingId: first.bookingId });
      }
      expect(await countBookings(eventId)).toBe(BUYERS);
      await expectSeatsAddUp(connection);
      await expectAllNotified(system);
    },
  );
});
