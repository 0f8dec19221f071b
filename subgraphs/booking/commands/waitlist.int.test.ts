import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { driverTransactions } from '#platform/database/transactions.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { countEntriesAhead, findWaitlistEntries } from '../store/find-waitlist-entries.ts';
import { saveEventSnapshots } from '../store/inventories.ts';
import { countSeats } from '../store/reconciliation.ts';
import { listWaitlistPages, pruneWaitlistEntries } from '../store/waitlist.ts';
import {
  bookRequest,
  cancelRequest,
  createBookingTestDatabase,
  createTestAllocator,
  holdRequest,
  joinRequest,
  makeEvent,
  WAITLIST,
} from '../testing.ts';
import { createBatchAllocation } from './allocate-batch.ts';
import type { Allocator } from './allocator.ts';

describe('waiting lists with a real database', () => {
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

  /** Makes an event and books all its seats, one by one. Returns the requests that cancel the bookings. */
  async function makeSoldOut(initialSeats: number, facts: Parameters<typeof makeEvent>[1] = {}) {
    const event = await makeEvent(database, { initialSeats, ...facts });
    const { eventId } = event;
    const requests = Array.from({ length: initialSeats }, () => bookRequest({ eventId }));
    await Promise.all(requests.map((request) => allocator.submit(request)));
    const cancels = requests.map(({ bookingId }) => {
      return cancelRequest({ bookingId, eventId });
    });
    return { event, eventId, cancels };
  }

  /** Lets users of their own wait for these numbers of seats, in this order. */
  async function joinAll(eventId: string, seatCounts: readonly number[]) {
    const requests = seatCounts.map((seatCount) => joinRequest({ eventId, seatCount }));
    for (const request of requests) {
      expect(await allocator.submit(request)).toMatchObject({ outcome: 'joined', replayed: false });
    }
    return requests.map(({ entryId }) => entryId);
  }

  const expire = (eventId: string) => ({ kind: 'expire-holds' as const, eventId });

  /** The numbers of the offered entries, in the order in which they joined. */
  async function offeredOf(entryIds: readonly string[]): Promise<number[]> {
    const rows = await findWaitlistEntries(own.sql, entryIds);
    const offered = new Set(rows.filter(({ status }) => status === 'OFFERED').map(({ id }) => id));
    return entryIds.flatMap((id, index) => (offered.has(id) ? [index] : []));
  }

  async function expectConsistent(eventId: string) {
    const seats = await countSeats(database, eventId);
    const { totalSeats = 0, availableSeats = -1, confirmedSeats = 0, heldSeats = 0, seatsOfHolds = 0 } = seats ?? {};
    expect(availableSeats).toBeGreaterThanOrEqual(0);
    expect(confirmedSeats + heldSeats + availableSeats).toBe(totalSeats);
    expect(heldSeats).toBe(seatsOfHolds);
    expect(seats?.waitingSeats).toBe(seats?.seatsOfEntries);
    const entries = await database.waitlistEntry.findMany({ where: { eventId, status: 'OFFERED' } });
    const holds = await database.hold.findMany({ where: { id: { in: entries.map(({ holdId }) => holdId ?? '') } } });
    expect(holds.map(({ userId }) => userId).sort()).toEqual(entries.map(({ userId }) => userId).sort());
    const messages = await database.outboxMessage.findMany({
      where: { subject: 'waitlist.offered.v1', payload: { contains: eventId } },
    });
    expect(messages).toHaveLength(entries.length);
    return { availableSeats, heldSeats, confirmedSeats, waitingSeats: seats?.waitingSeats };
  }

  it('offers the seats of a cancelled booking in the same transaction, to the first whose number fits', async () => {
    const { eventId, cancels } = await makeSoldOut(3);
    const ids = await joinAll(eventId, [2, 1, 1]);
    expect(await allocator.submit(bookRequest({ eventId }))).toEqual({ outcome: 'sold-out', availableSeats: 0 });
    await otherProcess.submit(cancels[0] ?? expire(eventId));
    expect(await offeredOf(ids)).toEqual([1]);
    expect(await otherProcess.submit(bookRequest({ eventId }))).toEqual({ outcome: 'sold-out', availableSeats: 0 });
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 0, heldSeats: 1, waitingSeats: 3 });
    const [entry] = await findWaitlistEntries(own.sql, ids.slice(1, 2));
    const confirm = { kind: 'confirm-hold' as const, holdId: entry?.holdId ?? '', eventId, requestId: 'test' };
    expect(await allocator.submit(confirm)).toMatchObject({ outcome: 'confirmed', booking: { userId: entry?.userId } });
    await expectConsistent(eventId);
  });

  it('gives all seats that come back to the line in its order, although others want them in two processes', async () => {
    const { eventId, cancels } = await makeSoldOut(60);
    const ids = await joinAll(
      eventId,
      Array.from({ length: 40 }, () => 1),
    );
    const outcomes = await Promise.all(
      cancels
        .slice(0, 25)
        .flatMap((cancel, index) => [
          processOf(index).submit(cancel),
          processOf(index).submit(bookRequest({ eventId })),
          processOf(index + 1).submit(bookRequest({ eventId })),
          processOf(index + 1).submit(holdRequest({ eventId })),
        ]),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'sold-out')).toHaveLength(75);
    expect(await offeredOf(ids)).toEqual(Array.from({ length: 25 }, (_, index) => index));
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 0, heldSeats: 25, waitingSeats: 15 });
  });

  it('lets a user join once, and refuses another number of seats, for simultaneous requests in two processes', async () => {
    const { eventId } = await makeSoldOut(1);
    const userId = newId();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        processOf(index).submit(joinRequest({ eventId, userId, seatCount: index % 4 < 2 ? 1 : 2 })),
      ),
    );
    expect(outcomes.filter((one) => one.outcome === 'joined' && !one.replayed)).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'already-waiting')).toHaveLength(10);
    expect(await database.waitlistEntry.count({ where: { userId } })).toBe(1);
    await expectConsistent(eventId);
  });

  it('gives seats of an offer that expired to the next one', async () => {
    const { eventId, cancels } = await makeSoldOut(2);
    const ids = await joinAll(eventId, [1, 1]);
    await allocator.submit(cancels[0] ?? expire(eventId));
    expect(await offeredOf(ids)).toEqual([0]);
    const past = new Date(Date.now() - 60_000);
    await database.hold.updateMany({ where: { eventId }, data: { expiresAt: past } });
    await database.inventory.update({ where: { eventId }, data: { nextHoldExpiresAt: past } });
    expect(await otherProcess.submit(bookRequest({ eventId }))).toEqual({ outcome: 'sold-out', availableSeats: 0 });
    expect(await offeredOf(ids)).toEqual([0, 1]);
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 0, heldSeats: 1, waitingSeats: 0 });
  });

  it('serves a longer line than one transaction reads step by step, and keeps the seats from others meanwhile', async () => {
    const { eventId } = await makeSoldOut(1);
    const requests = Array.from({ length: 150 }, () => joinRequest({ eventId }));
    await Promise.all(requests.map((request) => allocator.submit(request)));
    const wanted = joinRequest({ eventId, seatCount: 3 });
    await allocator.submit(wanted);
    await allocator.submit({ kind: 'set-capacity', eventId, totalSeats: 201 });
    expect(await allocator.submit(holdRequest({ eventId }))).toMatchObject({ outcome: 'sold-out', availableSeats: 0 });
    let isDue = true;
    while (isDue) ({ isDue } = await allocator.submit(expire(eventId)));
    expect(await offeredOf([...requests, wanted].map(({ entryId }) => entryId))).toHaveLength(151);
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 47, waitingSeats: 0 });
    expect(await allocator.submit(holdRequest({ eventId }))).toMatchObject({ outcome: 'held' });
  });

  it('passes over and ends an entry whose user has as many seats as the event allows', async () => {
    const { event, eventId, cancels } = await makeSoldOut(3);
    const [first = '', second = ''] = await joinAll(eventId, [2, 1]);
    await saveEventSnapshots(database, [{ ...event, version: 2, maxSeatsPerUser: 1 }]);
    for (const cancel of cancels) await allocator.submit(cancel);
    const rows = await findWaitlistEntries(own.sql, [first, second]);
    expect(new Map(rows.map(({ id, status }) => [id, status]))).toEqual(
      new Map([
        [first, 'ENDED'],
        [second, 'OFFERED'],
      ]),
    );
    expect(await expectConsistent(eventId)).toMatchObject({ availableSeats: 2, waitingSeats: 0 });
  });

  it('ends the waiting list of a cancelled event in steps, and of an event whose sale has ended', async () => {
    const { event, eventId } = await makeSoldOut(1);
    await Promise.all(Array.from({ length: 600 }, () => allocator.submit(joinRequest({ eventId }))));
    await saveEventSnapshots(database, [{ ...event, version: 2, status: 'CANCELLED' }]);
    const { nextHoldExpiresAt } = await database.inventory.findUniqueOrThrow({ where: { eventId } });
    expect(nextHoldExpiresAt?.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
    const due: boolean[] = [];
    do due.push((await otherProcess.submit(expire(eventId))).isDue);
    while (due.at(-1));
    expect(due).toEqual([true, true, false]);
    expect(await database.waitlistEntry.count({ where: { eventId, status: 'ENDED' } })).toBe(600);
    expect(await expectConsistent(eventId)).toMatchObject({ waitingSeats: 0 });

    const sold = await makeSoldOut(1);
    const ids = await joinAll(sold.eventId, [1]);
    const over = { salesStartAt: null, salesEndAt: new Date(Date.now() - 1_000), maxSeatsPerUser: null };
    await saveEventSnapshots(database, [{ ...sold.event, ...over, version: 2 }]);
    for (const cancel of sold.cancels) await allocator.submit(cancel);
    expect(await findWaitlistEntries(own.sql, ids)).toMatchObject([{ status: 'ENDED', holdId: null }]);
    expect(await expectConsistent(sold.eventId)).toMatchObject({ availableSeats: 1, waitingSeats: 0 });
  });

  it('lists the entries of a user, and counts those before an entry', async () => {
    const { eventId } = await makeSoldOut(1);
    const [first, second, third] = await joinAll(eventId, [1, 5, 2]);
    await allocator.submit({ kind: 'leave-waitlist', entryId: first ?? '', eventId });
    const [entry] = await findWaitlistEntries(own.sql, [third ?? '']);
    const [middle] = await findWaitlistEntries(own.sql, [second ?? '']);
    expect(
      await countEntriesAhead(
        own.sql,
        [entry, middle].flatMap((one) => one ?? []),
      ),
    ).toEqual([1, 0]);
    const userId = entry?.userId ?? '';
    const page = { limit: 1, after: undefined };
    expect(await listWaitlistPages(own.sql, [{ userId, page }])).toEqual([[entry]]);
  });

  it('deletes entries some time after they stopped waiting, and no others', async () => {
    const { eventId } = await makeSoldOut(1);
    const [left = '', waiting = ''] = await joinAll(eventId, [1, 1]);
    await allocator.submit({ kind: 'leave-waitlist', entryId: left, eventId });
    const prune = pruneWaitlistEntries(own.sql, 60);
    await prune(1_000);
    expect(await findWaitlistEntries(own.sql, [left])).toHaveLength(1);
    await own.pool.query(
      'UPDATE waitlist_entries SET ended_at = CURRENT_TIMESTAMP(3) - INTERVAL 61 SECOND WHERE id = ?',
      [left],
    );
    await prune(1_000);
    expect(await findWaitlistEntries(own.sql, [left, waiting])).toMatchObject([{ id: waiting }]);
    expect(await allocator.submit({ kind: 'leave-waitlist', entryId: left, eventId })).toEqual({
      outcome: 'unknown-entry',
    });
  });

  it('needs as many statements as before for bookings, and one more when seats become free', async () => {
    const { eventId, cancels } = await makeSoldOut(5);
    await joinAll(eventId, [1, 1, 1]);
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
    await allocateFree(Array.from({ length: 20 }, () => bookRequest({ eventId })));
    expect(sent).toHaveLength(3);
    await allocateFree(cancels.slice(0, 2));
    expect(sent).toHaveLength(3 + 4);
  });
});
