import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Pool } from 'mariadb';
import { v7 as newId } from 'uuid';
import { describe, expect, vi } from 'vitest';
import { prismaAdapter } from '#platform/database/database.ts';
import { pruneIdempotencyKeys } from '#platform/database/pruning.ts';
import { driverTransactions } from '#platform/database/transactions.ts';
import { pruneInbox, recordInInbox } from '#platform/messaging/inbox.ts';
import { pruneOutbox } from '#platform/outbox/prune.ts';
import { createRelay } from '#platform/outbox/relay.ts';
import { replayOutbox } from '#platform/outbox/replay.ts';
import { createTestBroker, quiet } from '#platform/testing/messaging.ts';
import { closeNextEvent } from '../../subgraphs/booking/commands/close-events.ts';
import { PrismaClient } from '../../subgraphs/booking/generated/prisma/client.ts';
import { bookingStream } from '../../subgraphs/booking/messaging/contract.ts';
import { type BookingPage, listBookingPages } from '../../subgraphs/booking/store/bookings.ts';
import { findBookings } from '../../subgraphs/booking/store/find-bookings.ts';
import { findHolds } from '../../subgraphs/booking/store/find-holds.ts';
import { countEntriesAhead, findWaitlistEntries } from '../../subgraphs/booking/store/find-waitlist-entries.ts';
import { findEventsWithDueHolds, listHoldPages, pruneHolds } from '../../subgraphs/booking/store/holds.ts';
import { findInventories, saveEventSnapshots } from '../../subgraphs/booking/store/inventories.ts';
import {
  countSeats,
  endTurn,
  findEventsAfter,
  reopenForClosing,
  takeTurn,
} from '../../subgraphs/booking/store/reconciliation.ts';
import { countBookings, countBookingsByTime } from '../../subgraphs/booking/store/statistics.ts';
import { listWaitlistPages, pruneWaitlistEntries } from '../../subgraphs/booking/store/waitlist.ts';
import {
  bookRequest,
  cancelRequest,
  checkInRequest,
  createTestAllocator,
  holdRequest,
  joinRequest,
} from '../../subgraphs/booking/testing.ts';
import { testPlans } from './support/plans.ts';
import { BOOKINGS, BOOKINGS_OF_ONE, EVENTS, idOf, idSql } from './support/rows.ts';

const LIMIT = 100;
const SEATS = 1_000_000;
/** BUSY is the user and the event with the most bookings. USUAL has about the average number. */
const [BUSY, USUAL] = [idOf(0), idOf(77)];
/** The event with the longest waiting list. */
const LINE = 500;
const LINE_EVENT = idOf(LINE);
/** Less than the rows of the smallest table, and more than a batch of the background work deletes. */
const BATCH_READS_MAX = 15_000;
const DAY_MS = 86_400_000;
const REPLAY_READS_MAX = 5_120;

let pool: Pool;
let database: PrismaClient;

const list = (wanted: Omit<BookingPage, 'page'>, after?: string) => ({
  isList: true,
  run: () =>
    listBookingPages(database, [{ ...wanted, page: { limit: LIMIT, after: after === undefined ? after : [after] } }]),
});
/** An id in the middle of the busy user's bookings. */
const MIDDLE = idOf(Math.floor(BOOKINGS_OF_ONE / 2) * (BOOKINGS / BOOKINGS_OF_ONE));
const OLDEST = idOf(1_000);

const listOfHolds = (after?: string) => ({
  isList: true,
  run: () =>
    listHoldPages(database, [{ userId: BUSY, page: { limit: LIMIT, after: after === undefined ? after : [after] } }]),
});

const listOfEntries = (after?: string) => ({
  isList: true,
  run: () =>
    listWaitlistPages(database, [
      { userId: BUSY, page: { limit: LIMIT, after: after === undefined ? after : [after] } },
    ]),
});

const insideTransaction = async (run: (transaction: Parameters<typeof recordInInbox>[0]) => Promise<unknown>) =>
  driverTransactions(pool)(run);

const HOLDS_OF_ONE = EVENTS / 10;
const heldSeatsOfBusy = () => database.hold.count({ where: { userId: BUSY, eventId: BUSY, status: 'HELD' } });

/** Every STEP-th booking belongs to the busy user and the busy event. */
const STEP = BOOKINGS / BOOKINGS_OF_ONE;

describe(`the statements of the booking subgraph, with ${BOOKINGS} bookings`, () => {
  testPlans('booking', {
    async makeRows({ fill }) {
      await fill('inventories', EVENTS, {
        event_id: idSql('n'),
        organizer_id: idSql('0'),
        starts_at: "TIMESTAMP('2031-01-01')",
        status: "IF(n = 5, 'CANCELLED', 'SCHEDULED')",
        event_version: '1',
        total_seats: `${SEATS}`,
        available_seats: `IF(n = ${LINE}, 0, ${SEATS / 2})`,
        waiting_seats: `IF(n = ${LINE}, ${SEATS}, 0)`,
        last_waitlist_place: `${EVENTS}`,
        max_seats_per_user: `IF(n % 2 = 0, ${SEATS}, NULL)`,
        held_seats: `${SEATS / 4}`,
        next_hold_expires_at: `IF(n % 1000 = 7, CURRENT_TIMESTAMP(3), TIMESTAMP('2030-01-01'))`,
      });
      // Every tenth hold belongs to the busy user and the busy event. Half of all holds have ended.
      await fill('holds', EVENTS, {
        id: idSql('n'),
        event_id: idSql(`IF(n % 10 = 0, 0, (n * 7919) % ${EVENTS})`),
        user_id: idSql(`IF(n % 10 = 0, 0, (n * 104729) % ${EVENTS})`),
        seat_count: '1',
        status: "IF(n % 4 < 2, 'HELD', 'EXPIRED')",
        idempotency_key: 'n',
        expires_at: "TIMESTAMP('2030-01-01')",
        ended_at: 'IF(n % 4 < 2, NULL, CURRENT_TIMESTAMP(3) - INTERVAL IF(n % 5 = 0, 48, 1) HOUR)',
      });
      // Every tenth entry belongs to the busy user and the longest waiting list. Half of all entries have ended.
      await fill('waitlist_entries', EVENTS, {
        id: idSql('n'),
        event_id: idSql(`IF(n % 10 = 0, ${LINE}, (n * 7919) % ${EVENTS})`),
        user_id: idSql(`IF(n % 10 = 0, 0, (n * 104729) % ${EVENTS})`),
        seat_count: '1 + (n DIV 20) % 10',
        place: 'n',
        status: "IF(n % 4 < 2, 'WAITING', 'LEFT')",
        ended_at: 'IF(n % 4 < 2, NULL, CURRENT_TIMESTAMP(3) - INTERVAL IF(n % 5 = 0, 48, 1) HOUR)',
      });
      await fill('bookings', BOOKINGS, {
        id: idSql('n'),
        event_id: idSql(`IF(n % ${STEP} = 0, 0, (n * 7919) % ${EVENTS})`),
        user_id: idSql(`IF(n % ${STEP} = 0, 0, (n * 104729) % ${EVENTS})`),
        seat_count: '1',
        status: `IF(n < ${STEP * 50}, 'CANCELLED', 'CONFIRMED')`,
      });
      await fill('check_ins', EVENTS, {
        booking_id: idSql('n'),
        device_key: 'n',
        id: idSql('n'),
        seats: '1',
      });
      await fill('idempotency_keys', EVENTS, {
        caller_id: idSql('n'),
        idempotency_key: 'n',
        booking_id: idSql('n'),
        created_at: 'CURRENT_TIMESTAMP(3) - INTERVAL IF(n % 10 = 0, 48, 1) HOUR',
      });
      await fill('outbox', EVENTS, {
        id: idSql('n'),
        subject: "'booking.confirmed.v1'",
        payload: "'{}'",
        published_at: `IF(n % 1000 = 7, NULL, CURRENT_TIMESTAMP(3) - INTERVAL IF(n % 10 = 0, 30, 1) HOUR)`,
      });
      await fill('inbox', EVENTS, {
        consumer: "'booking-events'",
        message_id: idSql('n'),
        received_at: 'CURRENT_TIMESTAMP(3) - INTERVAL IF(n % 10 = 0, 60, 1) DAY',
      });
    },
    open(watched) {
      pool = watched;
      database = new PrismaClient({ adapter: prismaAdapter(watched) });
    },
    cases: {
      'the first page of all bookings': list({}),
      'a middle page of all bookings': list({}, MIDDLE),
      'the last page of all bookings': list({}, OLDEST),
      'all confirmed bookings': list({ status: 'CONFIRMED' }),
      'all cancelled bookings, which are few and old': list({ status: 'CANCELLED' }),
      'a late page of all cancelled bookings': list({ status: 'CANCELLED' }, OLDEST),
      'the first page of a user': list({ userId: BUSY }),
      'a middle page of a user': list({ userId: BUSY }, MIDDLE),
      'the last page of a user': list({ userId: BUSY }, OLDEST),
      'cancelled bookings of a user': list({ userId: BUSY, status: 'CANCELLED' }),
      'a middle page of the confirmed bookings of a user': list({ userId: BUSY, status: 'CONFIRMED' }, MIDDLE),
      'bookings of the busy user for the busy event': list({ userId: BUSY, eventId: BUSY }),
      'bookings of the busy user for an event that they did not book': list({ userId: BUSY, eventId: USUAL }),
      'cancelled bookings of the busy user for an event': list({ userId: BUSY, eventId: USUAL, status: 'CANCELLED' }),
      'bookings of another user for the busy event': list({ userId: USUAL, eventId: BUSY }),
      'the first page of an event': list({ eventId: BUSY }),
      'a middle page of an event': list({ eventId: BUSY }, MIDDLE),
      'cancelled bookings of an event': list({ eventId: BUSY, status: 'CANCELLED' }),
      'bookings of another event': list({ eventId: USUAL }),
      'the pages of many users and events at once': {
        readsMax: BATCH_READS_MAX,
        run: () =>
          listBookingPages(
            database,
            Array.from({ length: 100 }, (_, n) => ({
              page: { limit: 20, after: undefined },
              ...(n % 2 === 0 ? { userId: idOf(n) } : { eventId: idOf(n) }),
            })),
          ),
      },
      'bookings and inventories by their ids': {
        readsMax: 5_000,
        async run() {
          const ids = Array.from({ length: 1_000 }, (_, n) => idOf(n * 7));
          expect(await findBookings(database, ids)).toHaveLength(1_000);
          expect(await findInventories(database, ids)).toHaveLength(1_000);
        },
      },
      'the first page of the holds of a user': listOfHolds(),
      'a middle page of the holds of a user': listOfHolds(idOf(EVENTS / 2)),
      'holds by their ids': {
        readsMax: 5_000,
        async run() {
          const ids = Array.from({ length: 1_000 }, (_, n) => idOf(n * 7));
          expect(await findHolds(database, ids)).toHaveLength(1_000);
        },
      },
      'a batch of holds of many events, their replays, confirmations and releases': {
        readsMax: 5_000,
        async run() {
          const allocator = createTestAllocator(pool);
          const requests = Array.from({ length: 200 }, (_, n) => holdRequest({ eventId: idOf(10 + (n % 100)) }));
          for (const expected of [false, true]) {
            const sent = requests.map((request) => (expected ? { ...request, holdId: newId() } : request));
            const outcomes = await Promise.all(sent.map((request) => allocator.submit(request)));
            expect(outcomes).toEqual(requests.map(() => expect.objectContaining({ replayed: expected })));
          }
          const ended = await Promise.all(
            requests.map(({ holdId, eventId }, n) =>
              allocator.submit({
                kind: n % 2 === 0 ? 'confirm-hold' : 'release-hold',
                holdId,
                eventId,
                requestId: 'test',
              }),
            ),
          );
          expect(new Set(ended.map(({ outcome }) => outcome))).toEqual(new Set(['confirmed', 'released']));
          await allocator.stop();
        },
      },
      'the expiry of holds of the busy event, and of other events': {
        readsMax: 5_000,
        async run() {
          const eventIds = await findEventsWithDueHolds(database, 256);
          expect(eventIds.length).toBeGreaterThan(0);
          await database.inventory.update({ where: { eventId: BUSY }, data: { nextHoldExpiresAt: new Date(0) } });
          await database.$executeRaw(sql`
            UPDATE holds SET expires_at = CURRENT_TIMESTAMP(3) WHERE event_id = ${BUSY} AND status = 'HELD' LIMIT 1000`);
          const allocator = createTestAllocator(pool);
          for (const isDue of [true, false]) {
            const outcome = await allocator.submit({ kind: 'expire-holds', eventId: BUSY });
            expect(outcome).toEqual({ outcome: 'holds-expired', isDue });
          }
          await Promise.all(eventIds.map((eventId) => allocator.submit({ kind: 'expire-holds', eventId })));
          await allocator.stop();
        },
      },
      'the first page of the waiting-list entries of a user': listOfEntries(),
      'a middle page of the waiting-list entries of a user': listOfEntries(idOf(EVENTS / 2)),
      'waiting-list entries by their ids': {
        readsMax: 5_000,
        async run() {
          const ids = Array.from({ length: 1_000 }, (_, n) => idOf(n * 7));
          expect(await findWaitlistEntries(database, ids)).toHaveLength(1_000);
        },
      },
      'the number of entries before the last one of the longest waiting list': {
        readsMax: BATCH_READS_MAX,
        run: () => countEntriesAhead(database, [{ eventId: LINE_EVENT, place: EVENTS }]),
      },
      'joining the longest waiting list, offers to it, and leaving it': {
        readsMax: 5_000,
        async run() {
          const allocator = createTestAllocator(pool);
          const requests = Array.from({ length: 200 }, () => joinRequest({ eventId: LINE_EVENT }));
          for (const replayed of [false, true]) {
            const sent = requests.map((request) => (replayed ? { ...request, entryId: newId() } : request));
            const outcomes = await Promise.all(sent.map((request) => allocator.submit(request)));
            expect(outcomes).toEqual(requests.map(() => expect.objectContaining({ replayed })));
          }
          await allocator.submit({ kind: 'set-capacity', eventId: LINE_EVENT, totalSeats: SEATS + 50 });
          expect(await allocator.submit(bookRequest({ eventId: LINE_EVENT }))).toMatchObject({ outcome: 'sold-out' });
          const left = await Promise.all(
            requests.map(({ entryId, eventId }) => allocator.submit({ kind: 'leave-waitlist', entryId, eventId })),
          );
          expect(new Set(left.map(({ outcome }) => outcome))).toEqual(new Set(['left']));
          await allocator.stop();
        },
      },
      'the end of the longest waiting list': {
        readsMax: 5_000,
        async run() {
          await database.inventory.update({ where: { eventId: LINE_EVENT }, data: { salesEndAt: new Date(0) } });
          const allocator = createTestAllocator(pool);
          const outcome = await allocator.submit({ kind: 'expire-holds', eventId: LINE_EVENT });
          expect(outcome).toEqual({ outcome: 'holds-expired', isDue: true });
          await allocator.stop();
        },
      },
      'pruning ended waiting-list entries': {
        readsMax: BATCH_READS_MAX,
        run: async () => pruneWaitlistEntries(database, 86_400)(1_000),
      },
      'a batch of check-ins of many bookings, and their replays': {
        readsMax: 5_000,
        async run() {
          const allocator = createTestAllocator(pool);
          const wanted = Array.from({ length: 200 }, (_, n) => idOf(STEP * 100 + n * 7));
          const bookings = await findBookings(database, wanted);
          const requests = bookings.map(({ id, eventId }) => checkInRequest({ bookingId: id, eventId }));
          for (const expected of [false, true]) {
            const sent = requests.map((request) => (expected ? { ...request, checkInId: newId() } : request));
            const outcomes = await Promise.all(sent.map((request) => allocator.submit(request)));
            expect(outcomes).toEqual(requests.map(() => expect.objectContaining({ replayed: expected })));
          }
          await allocator.stop();
        },
      },
      'pruning ended holds': {
        readsMax: BATCH_READS_MAX,
        run: async () => pruneHolds(database, 86_400)(1_000),
      },
      'the statistics of the busiest event': {
        // An entry of the index for each booking of the event, twice.
        readsMax: 2 * BOOKINGS_OF_ONE + 5_000,
        async run() {
          expect((await countBookings(database, [BUSY, USUAL])).size).toBe(2);
          const [from, to] = [new Date(0), new Date('2100-01-01T00:00:00.000Z')];
          expect(await countBookingsByTime(database, { eventId: BUSY, from, to })).not.toEqual([]);
        },
      },
      'the statistics of one day of the busiest event': {
        run: () =>
          countBookingsByTime(database, {
            eventId: BUSY,
            from: new Date('2099-01-01T00:00:00.000Z'),
            to: new Date('2099-01-02T00:00:00.000Z'),
          }),
      },
      'saving event snapshots': {
        run: () =>
          saveEventSnapshots(
            database,
            [idOf(1), newId()].map((eventId) => ({
              eventId,
              organizerId: newId(),
              startsAt: new Date('2031-01-01T00:00:00.000Z'),
              status: 'SCHEDULED',
              version: 2,
              initialSeats: SEATS,
              maxSeatsPerUser: null,
              cancellationDeadline: null,
            })),
          ),
      },
      'a batch of bookings of many events, their replays and their cancellations': {
        readsMax: 5_000,
        async run() {
          const allocator = createTestAllocator(pool);
          const requests = Array.from({ length: 200 }, (_, n) => bookRequest({ eventId: idOf(10 + (n % 100)) }));
          for (const expected of [false, true]) {
            const sent = requests.map((request) => (expected ? { ...request, bookingId: newId() } : request));
            const outcomes = await Promise.all(sent.map((request) => allocator.submit(request)));
            expect(outcomes).toEqual(requests.map(() => expect.objectContaining({ replayed: expected })));
          }
          const cancelled = await Promise.all(
            requests.map(({ bookingId, eventId }) =>
              allocator.submit(cancelRequest({ bookingId, eventId, reason: 'ill' })),
            ),
          );
          expect(new Set(cancelled.map(({ outcome }) => outcome))).toEqual(new Set(['cancelled']));
          expect(await allocator.submit(bookRequest({ eventId: newId() }))).toEqual({ outcome: 'unknown-event' });
          await allocator.submit({ kind: 'set-capacity', eventId: idOf(10), totalSeats: SEATS + 1 });
          await allocator.stop();
        },
      },
      'a booking of the busy user for the busy event, which has a limit per user': {
        // It reads all bookings and holds of this user for this event. Normally they are not more than the limit.
        readsMax: 2 * (BOOKINGS_OF_ONE + HOLDS_OF_ONE) + 1_000,
        async run() {
          const allocator = createTestAllocator(pool);
          const outcome = await allocator.submit(bookRequest({ eventId: BUSY, userId: BUSY, seatCount: SEATS }));
          const taken = BOOKINGS_OF_ONE - 50 + (await heldSeatsOfBusy());
          expect(outcome).toEqual({
            outcome: 'user-limit-reached',
            maxSeatsPerUser: SEATS,
            seatsLeft: SEATS - taken,
          });
          await allocator.stop();
        },
      },
      'closing a cancelled event': {
        readsMax: 5_000,
        async run() {
          const relay = { nudge: () => undefined, requireRoom: () => undefined };
          expect(await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false })).toBe(
            true,
          );
        },
      },
      'the reconciliation of events': {
        // It counts the seats of all bookings of an event. It runs in the background, and rarely.
        readsMax: BOOKINGS_OF_ONE + 2 * HOLDS_OF_ONE + 1_000,
        async run() {
          await database.$executeRaw(sql`UPDATE reconciliations SET due_at = CURRENT_TIMESTAMP(3)`);
          const afterId = await takeTurn(database, 60);
          expect(await findEventsAfter(database, { afterId: afterId ?? '', limit: 100 })).toHaveLength(100);
          expect(await countSeats(database, BUSY)).toMatchObject({ totalSeats: SEATS });
          await reopenForClosing(database, BUSY);
          await endTurn(database, { afterId: BUSY, pauseS: 60 });
        },
      },
      'pruning idempotency keys': {
        readsMax: BATCH_READS_MAX,
        run: async () => pruneIdempotencyKeys(database, 86_400)(1_000),
      },
      'the inbox: recording new and repeated messages, and pruning': {
        readsMax: BATCH_READS_MAX,
        async run() {
          const ids = Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? newId() : idOf(n)));
          for (const fresh of [50, 0]) {
            await insideTransaction(async (transaction) =>
              expect((await recordInInbox(transaction, 'booking-events', ids)).size).toBe(fresh),
            );
          }
          await pruneInbox(database)(1_000);
        },
      },
      'the outbox: publishing and pruning messages': {
        readsMax: BATCH_READS_MAX,
        async run() {
          const broker = createTestBroker();
          const relay = createRelay({ database, broker, stream: bookingStream, ...quiet() });
          const left = () => database.outboxMessage.count({ where: { publishedAt: null } });
          await vi.waitFor(async () => expect(await left()).toBe(0), { timeout: 30_000, interval: 100 });
          await relay.stop();
          await pruneOutbox(database)(1_000);
          await broker.close();
        },
      },
      'the outbox: replaying published messages': {
        readsMax: REPLAY_READS_MAX,
        async run() {
          await database.$executeRaw(sql`
            UPDATE outbox SET published_at = CURRENT_TIMESTAMP(3) + INTERVAL 1 HOUR WHERE id < ${idOf(500)}`);
          await replayOutbox(driverTransactions(pool), new Date(Date.now() - DAY_MS / 48));
        },
      },
    },
  });
});
