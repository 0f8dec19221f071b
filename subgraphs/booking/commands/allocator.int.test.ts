import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';
import { driverTransactions } from '#platform/database/transactions.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { saveEventSnapshots } from '../store/inventories.ts';
import {
  bookRequest,
  cancelRequest,
  createBookingTestDatabase,
  createTestAllocator,
  makeEvent,
  WAITLIST,
} from '../testing.ts';
import { createBatchAllocation } from './allocate-batch.ts';
import { type Allocator, createAllocator } from './allocator.ts';
import { measureRequests, measureTransactions } from './allocator-metrics.ts';

describe('the allocator with a real database', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: PrismaClient;
  let allocator: Allocator;
  let otherProcess: Allocator;

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    const own = test.connect();
    database = own.database;
    allocator = createTestAllocator(own.pool);
    otherProcess = createTestAllocator(test.connect().pool);
  });
  afterAll(() => test.remove());

  /** Checks that the seats add up and the messages match the bookings. Returns the number of confirmed bookings. */
  async function expectConsistent(eventId: string): Promise<number> {
    const inventory = await database.inventory.findUniqueOrThrow({ where: { eventId } });
    const confirmed = await database.booking.findMany({ where: { eventId, status: 'CONFIRMED' } });
    const seats = confirmed.reduce((sum, { seatCount }) => sum + seatCount, 0);
    expect(inventory.availableSeats).toBeGreaterThanOrEqual(0);
    expect(seats + inventory.availableSeats).toBe(inventory.totalSeats);
    const all = await database.booking.findMany({ where: { eventId } });
    const messages = await database.outboxMessage.findMany({ where: { payload: { contains: eventId } } });
    const ofType = (type: string) => messages.filter(({ subject }) => subject === type).length;
    expect(ofType('booking.confirmed.v1')).toBe(all.length);
    expect(ofType('booking.cancelled.v1')).toBe(all.length - confirmed.length);
    return confirmed.length;
  }

  it('sells the last seat once to fifty simultaneous requests in two processes', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 1 });
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? allocator : otherProcess).submit(bookRequest({ eventId })),
      ),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'booked')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'sold-out')).toHaveLength(49);
    expect(await expectConsistent(eventId)).toBe(1);
  });

  it('measures its transactions, the outcomes, and the seats that are sold', async () => {
    const metrics = new Registry();
    const { pool } = test.connect();
    const transact = driverTransactions(pool);
    const allocation = measureTransactions(
      createBatchAllocation({ transact, newId: () => newId(), waitlist: WAITLIST }),
      metrics,
    );
    const settings = { queueMax: 10, queueTimeoutMs: 5_000, heldLanesMax: 1 };
    const measured = measureRequests(createAllocator({ allocation, ...settings }), metrics);
    const { eventId } = await makeEvent(database, { initialSeats: 5 });
    const request = bookRequest({ eventId, seatCount: 3 });
    await measured.submit(request);
    await measured.submit({ ...request, bookingId: newId() });
    await measured.submit(bookRequest({ eventId, seatCount: 3 }));
    const limited = await makeEvent(database, { maxSeatsPerUser: 1 });
    await measured.submit(bookRequest({ eventId: limited.eventId, seatCount: 2 }));
    await measured.submit(cancelRequest({ bookingId: request.bookingId, eventId }));
    await expect(measured.submit(bookRequest({ eventId }), { deadlineMs: performance.now() - 1 })).rejects.toThrow();
    const text = await metrics.metrics();
    for (const line of [
      'allocator_outcomes_total{kind="book",outcome="booked"} 1',
      'allocator_outcomes_total{kind="book",outcome="replayed"} 1',
      'allocator_outcomes_total{kind="book",outcome="sold-out"} 1',
      'allocator_outcomes_total{kind="book",outcome="user-limit-reached"} 1',
      'allocator_outcomes_total{kind="book",outcome="error"} 1',
      'allocator_outcomes_total{kind="cancel",outcome="cancelled"} 1',
      'seats_sold_total 3',
      'allocator_waiting_requests 0',
      'allocator_transaction_duration_seconds_count 5',
      'allocator_batch_requests_sum 5',
      'allocator_failed_transactions_total 0',
    ])
      expect(text).toContain(`${line}\n`);
  });

  it('books once when two processes send one key many times, and always returns that booking', async () => {
    const { eventId } = await makeEvent(database);
    const userId = newId();
    const send = (to: Allocator) => to.submit(bookRequest({ eventId, userId, idempotencyKey: 'the-same-key' }));
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) => send(i % 2 === 0 ? allocator : otherProcess)),
    );
    const ids = outcomes.map((outcome) => (outcome.outcome === 'booked' ? outcome.booking.id : outcome.outcome));
    expect(new Set(ids).size).toBe(1);
    const first = outcomes.filter((outcome) => outcome.outcome === 'booked' && !outcome.replayed);
    expect(first).toHaveLength(1);
    expect(await expectConsistent(eventId)).toBe(1);
  });

  it('books once when two processes use one key for two events at the same time', async () => {
    const one = await makeEvent(database);
    const other = await makeEvent(database);
    const userId = newId();
    const key = { userId, idempotencyKey: 'one-key-two-events' };
    const outcomes = await Promise.all([
      allocator.submit(bookRequest({ eventId: one.eventId, ...key })),
      otherProcess.submit(bookRequest({ eventId: other.eventId, ...key })),
    ]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['booked', 'key-reused']);
  });

  it('refuses a key that was used for a different seat count, event or user', async () => {
    const { eventId } = await makeEvent(database);
    const request = bookRequest({ eventId, seatCount: 2 });
    await allocator.submit(request);
    const again = (change: object) => allocator.submit({ ...request, bookingId: newId(), ...change });
    expect(await again({ seatCount: 3 })).toEqual({ outcome: 'key-reused' });
    expect(await again({ eventId: (await makeEvent(database)).eventId })).toEqual({ outcome: 'key-reused' });
    expect(await again({ userId: newId() })).toEqual({ outcome: 'key-reused' });
    expect(await again({})).toMatchObject({ outcome: 'booked', replayed: true, booking: { id: request.bookingId } });
  });

  it('does not remember a refusal: the same key can book when there are more seats', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 1 });
    const request = bookRequest({ eventId, seatCount: 2 });
    expect(await allocator.submit(request)).toEqual({ outcome: 'sold-out', availableSeats: 1 });
    await allocator.submit({ kind: 'set-capacity', eventId, totalSeats: 2 });
    expect(await allocator.submit(request)).toMatchObject({ outcome: 'booked', replayed: false });
  });

  it('gives the seats back once when two processes cancel a booking several times', async () => {
    const { eventId } = await makeEvent(database);
    const booked = await allocator.submit(bookRequest({ eventId, seatCount: 4 }));
    if (booked.outcome !== 'booked') throw new Error(booked.outcome);
    const cancel = cancelRequest({ bookingId: booked.booking.id, eventId });
    const outcomes = await Promise.all([1, 2, 3, 4].map((i) => (i % 2 ? allocator : otherProcess).submit(cancel)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ booking: { status: 'CANCELLED' } });
    expect(await expectConsistent(eventId)).toBe(0);
  });

  it("refuses a booking after the event's start, by the database's clock", async () => {
    const { eventId } = await makeEvent(database, { startsAt: new Date(Date.now() - 1_000) });
    expect(await allocator.submit(bookRequest({ eventId }))).toEqual({
      outcome: 'not-bookable',
      reason: 'EVENT_STARTED',
    });
  });

  it.each([
    ['sales-not-started', { salesStartAt: new Date(Date.now() + 3_600_000) }],
    ['sales-ended', { salesEndAt: new Date(Date.now() - 1_000) }],
  ])('refuses a booking outside the sales window as %s, with the time', async (outcome, window) => {
    const { eventId } = await makeEvent(database, { ...window, maxSeatsPerUser: null });
    expect(await allocator.submit(bookRequest({ eventId }))).toEqual({ outcome, ...window });
  });

  it('decides by the time after the wait for a lock, so that no booking is too early when the sale has started', async () => {
    const { eventId } = await makeEvent(database, {
      salesStartAt: new Date(Date.now() + 1_000),
      maxSeatsPerUser: null,
    });
    const holder = await openConnection(test.url);
    await holder.beginTransaction();
    await holder.query('SELECT event_id FROM inventories WHERE event_id = ? FOR UPDATE', [eventId]);
    // A lane waits for the lock from now on.
    const outcomes = [1, 2].map(() => allocator.submit(bookRequest({ eventId })));
    await vi.waitFor(
      async () => {
        const [row] = await holder.query(
          'SELECT SYSDATE(3) > sales_start_at AS isOpen FROM inventories WHERE event_id = ?',
          [eventId],
        );
        expect(Boolean(row.isOpen)).toBe(true);
      },
      { timeout: 5_000 },
    );
    await holder.end();
    expect((await Promise.all(outcomes)).map(({ outcome }) => outcome)).toEqual(['booked', 'booked']);
  });

  /** The confirmed seats of a user at an event. */
  async function seatsOf(userId: string, eventId: string): Promise<number> {
    const { _sum } = await database.booking.aggregate({
      where: { userId, eventId, status: 'CONFIRMED' },
      _sum: { seatCount: true },
    });
    return _sum.seatCount ?? 0;
  }

  it('never gives a user more seats than the event allows, whichever processes get the requests', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 1_000, maxSeatsPerUser: 7 });
    const users = [newId(), newId()] as const;
    const processes = [allocator, otherProcess, createTestAllocator(test.connect().pool)] as const;
    const send = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, index) => {
          const to = processes[index % 3] ?? allocator;
          return to.submit(bookRequest({ eventId, userId: users[index % 2] ?? '', seatCount: 1 + (index % 3) }));
        }),
      );
    const outcomes = await send(120);
    // Each user sent enough requests for one seat, so the limit is reached exactly.
    for (const userId of users) expect(await seatsOf(userId, eventId)).toBe(7);
    const refused = outcomes.filter(({ outcome }) => outcome === 'user-limit-reached');
    expect(refused.length + outcomes.filter(({ outcome }) => outcome === 'booked').length).toBe(120);
    expect(await allocator.submit(bookRequest({ eventId, userId: users[0], seatCount: 1 }))).toEqual({
      outcome: 'user-limit-reached',
      maxSeatsPerUser: 7,
      seatsLeft: 0,
    });

    const own = await database.booking.findMany({ where: { eventId, userId: users[0] } });
    await Promise.all([
      ...own.map(({ id }, index) =>
        (processes[index % 3] ?? allocator).submit(cancelRequest({ bookingId: id, eventId })),
      ),
      send(60),
    ]);
    await send(60);
    for (const userId of users) expect(await seatsOf(userId, eventId)).toBe(7);
    await expectConsistent(eventId);
  });

  it.each([
    ['two round trips', null, 3],
    ['one more', 2, 4],
  ])('needs %s for a batch of bookings of an event with the limit %s', async (_trips, maxSeatsPerUser, statements) => {
    const { eventId } = await makeEvent(database, { maxSeatsPerUser });
    const sent: string[] = [];
    const transact = driverTransactions(test.connect().pool);
    const counting: typeof transact = (run) =>
      transact((transaction) => {
        const $queryRaw: typeof transaction.$queryRaw = (statement) => {
          sent.push(statement.sql);
          return transaction.$queryRaw(statement);
        };
        const commitWith: typeof transaction.commitWith = (last) => {
          sent.push('COMMIT');
          transaction.commitWith(last);
        };
        return run({ ...transaction, $queryRaw, commitWith });
      });
    const { allocateFree } = createBatchAllocation({ transact: counting, newId: () => newId(), waitlist: WAITLIST });
    const outcomes = await allocateFree(Array.from({ length: 20 }, () => bookRequest({ eventId })));
    expect(outcomes).toHaveLength(20);
    // The lock and the look-up of the keys are sent together with BEGIN, and all writes together with COMMIT.
    expect(sent).toHaveLength(statements);
  });

  it('returns the first booking for its key after the sale has ended and the limit is reached', async () => {
    const facts = await makeEvent(database, { maxSeatsPerUser: 2 });
    const request = bookRequest({ eventId: facts.eventId, seatCount: 2 });
    await allocator.submit(request);
    const again = () => allocator.submit({ ...request, bookingId: newId() });
    expect(await again()).toMatchObject({ replayed: true, booking: { id: request.bookingId } });
    await saveEventSnapshots(database, [{ ...facts, version: 2, salesEndAt: new Date(Date.now() - 1_000) }]);
    expect(await again()).toMatchObject({ replayed: true, booking: { id: request.bookingId } });
    const other = bookRequest({ eventId: facts.eventId, userId: request.userId });
    expect(await allocator.submit(other)).toMatchObject({ outcome: 'sales-ended' });
  });

  it('keeps seats and bookings consistent when bookings, cancellations and capacity changes overlap', async () => {
    const events = await Promise.all(Array.from({ length: 5 }, () => makeEvent(database, { initialSeats: 40 })));
    const one = async (index: number) => {
      const lane = index % 2 === 0 ? allocator : otherProcess;
      const eventId = events[index % events.length]?.eventId ?? '';
      const booked = await lane.submit(bookRequest({ eventId, seatCount: 1 + (index % 4) }));
      if (index % 7 === 0) await lane.submit({ kind: 'set-capacity', eventId, totalSeats: 30 + (index % 20) });
      if (booked.outcome !== 'booked' || index % 3 !== 0) return;
      await otherProcess.submit(cancelRequest({ bookingId: booked.booking.id, eventId }));
    };
    await Promise.all(Array.from({ length: 300 }, (_, index) => one(index)));
    for (const { eventId } of events) await expectConsistent(eventId);
  });
});
