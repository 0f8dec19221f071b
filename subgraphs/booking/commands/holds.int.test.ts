import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { driverTransactions } from '#platform/database/transactions.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { pruneHolds } from '../store/holds.ts';
import { saveEventSnapshots } from '../store/inventories.ts';
import { countSeats } from '../store/reconciliation.ts';
import {
  bookRequest,
  createBookingTestDatabase,
  createTestAllocator,
  holdRequest,
  makeEvent,
  WAITLIST,
} from '../testing.ts';
import { createBatchAllocation } from './allocate-batch.ts';
import type { Allocator } from './allocator.ts';
import { closeNextEvent } from './close-events.ts';

describe('holds with a real database', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let own: ReturnType<typeof test.connect>;
  let database: PrismaClient;
  let allocator: Allocator;
  let otherProcess: Allocator;

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    own = test.connect();
    database = own.database;
    allocator = createTestAllocator(own.pool);
    otherProcess = createTestAllocator(test.connect().pool);
  });
  afterAll(() => test.remove());

  const processOf = (index: number): Allocator => (index % 2 === 0 ? allocator : otherProcess);

  /** Holds seats. Returns the requests that confirm and release the hold. */
  async function hold(eventId: string, seatCount = 1) {
    const { outcome, ...rest } = await allocator.submit(holdRequest({ eventId, seatCount }));
    if (outcome !== 'held' || !('hold' in rest)) throw new Error(outcome);
    const about = { holdId: rest.hold.id, eventId, requestId: 'test' };
    return { confirm: { kind: 'confirm-hold', ...about }, release: { kind: 'release-hold', ...about } } as const;
  }

  /** Moves the expiry of all holds of an event into the past, by the database's clock. */
  async function expireAll(eventId: string, ms = -1): Promise<void> {
    const { pool } = own;
    const at = 'CURRENT_TIMESTAMP(3) + INTERVAL ? MICROSECOND';
    await pool.query(`UPDATE holds SET expires_at = ${at} WHERE event_id = ? AND status = 'HELD'`, [
      ms * 1_000,
      eventId,
    ]);
    await pool.query(`UPDATE inventories SET next_hold_expires_at = ${at} WHERE event_id = ?`, [ms * 1_000, eventId]);
  }

  /** Checks that the seats add up, that each confirmed hold has its booking, and that the messages match the rows. */
  async function expectConsistent(eventId: string) {
    const seats = await countSeats(database, eventId);
    const { totalSeats = 0, availableSeats = 0, confirmedSeats = 0, heldSeats = 0, seatsOfHolds = 0 } = seats ?? {};
    expect(availableSeats).toBeGreaterThanOrEqual(0);
    expect(confirmedSeats + heldSeats + availableSeats).toBe(totalSeats);
    expect(heldSeats).toBe(seatsOfHolds);
    const holds = await database.hold.findMany({ where: { eventId } });
    const bookings = await database.booking.findMany({ where: { eventId } });
    const ofStatus = (status: string) => holds.filter((one) => one.status === status);
    const bookingIds = new Set(bookings.map(({ id }) => id));
    expect(holds.filter(({ id }) => bookingIds.has(id))).toEqual(ofStatus('CONFIRMED'));
    const messages = await database.outboxMessage.findMany({ where: { payload: { contains: eventId } } });
    const countOf = (subject: string) => messages.filter((one) => one.subject === subject).length;
    expect(countOf('hold.created.v1')).toBe(holds.length);
    expect(countOf('hold.confirmed.v1')).toBe(ofStatus('CONFIRMED').length);
    expect(countOf('hold.released.v1')).toBe(ofStatus('RELEASED').length);
    expect(countOf('hold.expired.v1')).toBe(ofStatus('EXPIRED').length);
    expect(countOf('booking.confirmed.v1')).toBe(bookings.length);
    return { availableSeats, heldSeats, confirmedSeats, holds };
  }

  it('takes the seats, and gives them back or books them', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 5 });
    const [first, second] = [await hold(eventId, 3), await hold(eventId, 2)];
    expect(await allocator.submit(bookRequest({ eventId }))).toEqual({ outcome: 'sold-out', availableSeats: 0 });
    expect(await allocator.submit(holdRequest({ eventId }))).toEqual({ outcome: 'sold-out', availableSeats: 0 });
    for (const _time of [1, 2]) {
      expect(await otherProcess.submit(first.release)).toMatchObject({
        outcome: 'released',
        hold: { status: 'RELEASED' },
      });
    }
    const { holdId } = second.confirm;
    for (const replayed of [false, true]) {
      expect(await otherProcess.submit(second.confirm)).toMatchObject({
        booking: { id: holdId, seatCount: 2 },
        replayed,
      });
    }
    expect(await allocator.submit(second.release)).toMatchObject({ outcome: 'hold-confirmed' });
    expect(await allocator.submit(first.confirm)).toMatchObject({
      outcome: 'hold-ended',
      hold: { status: 'RELEASED' },
    });
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 3, heldSeats: 0, confirmedSeats: 2 });
  });

  it('holds the last seat once for simultaneous requests to hold and to book in two processes', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 1 });
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        processOf(index).submit(index % 3 === 0 ? bookRequest({ eventId }) : holdRequest({ eventId })),
      ),
    );
    expect(outcomes.filter(({ outcome }) => outcome !== 'sold-out')).toHaveLength(1);
    await expectConsistent(eventId);
  });

  it('holds once for one key, and refuses the key for another event in another process', async () => {
    const [one, other] = [await makeEvent(database), await makeEvent(database)];
    const request = holdRequest({ eventId: one.eventId });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        processOf(index).submit({ ...request, holdId: newId(), eventId: (index % 4 < 2 ? one : other).eventId }),
      ),
    );
    expect(await database.hold.count({ where: { userId: request.userId } })).toBe(1);
    expect(outcomes.filter((one) => one.outcome === 'held' && !one.replayed)).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'key-reused')).toHaveLength(10);
  });

  it('gives seats back to the next booking after the expiry, without a sweep', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 4 });
    const { confirm } = await hold(eventId, 4);
    expect(await otherProcess.submit(bookRequest({ eventId }))).toMatchObject({ outcome: 'sold-out' });
    await expireAll(eventId);
    expect(await otherProcess.submit(bookRequest({ eventId, seatCount: 4 }))).toMatchObject({ outcome: 'booked' });
    expect(await allocator.submit(confirm)).toMatchObject({ outcome: 'hold-ended', hold: { status: 'EXPIRED' } });
    await expectConsistent(eventId);
  });

  it('refuses to confirm an expired hold even if the event has no record of the expiry', async () => {
    const { eventId } = await makeEvent(database);
    const { confirm } = await hold(eventId);
    await expireAll(eventId);
    await database.inventory.update({ where: { eventId }, data: { nextHoldExpiresAt: null } });
    expect(await allocator.submit(confirm)).toMatchObject({ outcome: 'hold-ended', hold: { status: 'EXPIRED' } });
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 100, heldSeats: 0 });
  });

  it('expires more holds than one transaction reads, step by step', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 700 });
    const requests = Array.from({ length: 700 }, () => holdRequest({ eventId }));
    const lasting = holdRequest({ eventId, ttlSeconds: 60 });
    await Promise.all(requests.map((request) => allocator.submit(request)));
    await expireAll(eventId);
    expect(await allocator.submit({ kind: 'expire-holds', eventId })).toEqual({
      outcome: 'holds-expired',
      isDue: true,
    });
    expect(await allocator.submit(lasting)).toMatchObject({ outcome: 'held' });
    expect(await allocator.submit({ kind: 'expire-holds', eventId })).toEqual({
      outcome: 'holds-expired',
      isDue: false,
    });
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 699, heldSeats: 1 });
    const { expiresAt } = await database.hold.findUniqueOrThrow({ where: { id: lasting.holdId } });
    expect(await database.inventory.findUnique({ where: { eventId } })).toMatchObject({ nextHoldExpiresAt: expiresAt });
  });

  it('ends each hold once when confirmations, releases and the expiry race in two processes', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 200 });
    const holds = await Promise.all(Array.from({ length: 200 }, () => hold(eventId)));
    await expireAll(eventId, 15);
    const outcomes = await Promise.all(
      holds.flatMap(({ confirm, release }, index) => [
        processOf(index).submit(confirm),
        processOf(index + 1).submit(index % 3 === 0 ? release : confirm),
        processOf(index).submit({ kind: 'expire-holds', eventId }),
      ]),
    );
    const confirmed = outcomes.filter((one) => one.outcome === 'confirmed' && !one.replayed);
    await expireAll(eventId);
    await allocator.submit({ kind: 'expire-holds', eventId });
    const { confirmedSeats, heldSeats } = await expectConsistent(eventId);
    expect(confirmedSeats).toBe(confirmed.length);
    expect(heldSeats).toBe(0);
  });

  it('never gives a user more seats than the event allows, held and booked together', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 1_000, maxSeatsPerUser: 7 });
    const userId = newId();
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        processOf(index).submit(
          index % 3 === 0 ? bookRequest({ eventId, userId }) : holdRequest({ eventId, userId, seatCount: 1 }),
        ),
      ),
    );
    expect(outcomes.filter(({ outcome }) => outcome !== 'user-limit-reached')).toHaveLength(7);
    await expireAll(eventId);
    const held = await database.hold.count({ where: { eventId } });
    const again = await Promise.all(
      Array.from({ length: 10 }, (_, index) => processOf(index).submit(bookRequest({ eventId, userId }))),
    );
    expect(again.filter(({ outcome }) => outcome === 'booked')).toHaveLength(held);
    await expectConsistent(eventId);
  });

  it('releases the holds of a cancelled event, in chunks', async () => {
    const facts = await makeEvent(database, { initialSeats: 1_000 });
    const { eventId } = facts;
    await Promise.all(Array.from({ length: 450 }, () => allocator.submit(holdRequest({ eventId }))));
    const { confirm } = await hold(eventId);
    await saveEventSnapshots(database, [{ ...facts, version: 2, status: 'CANCELLED', correlationId: 'the-request' }]);
    expect(await allocator.submit(confirm)).toEqual({ outcome: 'not-bookable', reason: 'EVENT_CANCELLED' });
    const relay = { nudge: () => undefined, requireRoom: () => undefined };
    await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false });
    const { availableSeats, holds } = await expectConsistent(eventId);
    expect(availableSeats).toBe(1_000);
    expect(new Set(holds.map(({ status }) => status))).toEqual(new Set(['RELEASED']));
    expect(await database.inventory.findUnique({ where: { eventId } })).toMatchObject({ closedAt: expect.any(Date) });
  });

  it('deletes ended holds after their time, and no others', async () => {
    const { eventId } = await makeEvent(database);
    const { release } = await hold(eventId);
    const { confirm } = await hold(eventId);
    await hold(eventId);
    await allocator.submit(release);
    await allocator.submit(confirm);
    const { sql, pool } = own;
    await pool.query('UPDATE holds SET ended_at = CURRENT_TIMESTAMP(3) - INTERVAL 61 SECOND WHERE id = ?', [
      release.holdId,
    ]);
    await pruneHolds(sql, 60)(1_000);
    expect(await database.hold.count({ where: { eventId } })).toBe(2);
    expect(await allocator.submit(release)).toEqual({ outcome: 'unknown-hold' });
  });

  it.each([
    ['as many statements as before for bookings', bookRequest, false, 3],
    ['one more for bookings when a hold has expired', bookRequest, true, 4],
    ['as many for holds', holdRequest, false, 3],
  ] as const)('needs %s', async (_what, request, isDue, count) => {
    const { eventId } = await makeEvent(database, { initialSeats: 1_000 });
    await hold(eventId);
    if (isDue) await expireAll(eventId);
    const sent: string[] = [];
    const transact = driverTransactions(own.pool);
    const counting: typeof transact = (run) =>
      transact((transaction) =>
        run({
          ...transaction,
          $queryRaw: (statement) => {
            sent.push(statement.sql);
            return transaction.$queryRaw(statement);
          },
          commitWith: (last) => {
            sent.push('COMMIT');
            transaction.commitWith(last);
          },
        }),
      );
    const { allocateFree } = createBatchAllocation({ transact: counting, newId: () => newId(), waitlist: WAITLIST });
    expect(await allocateFree(Array.from({ length: 20 }, () => request({ eventId })))).toHaveLength(20);
    expect(sent).toHaveLength(count);
  });
});
