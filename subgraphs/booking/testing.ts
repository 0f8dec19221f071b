import type { Pool } from 'mariadb';
import { v7 as newId } from 'uuid';
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { createSqlClient, driverTransactions } from '#platform/database/transactions.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import { createBatchAllocation } from './commands/allocate-batch.ts';
import { createAllocator } from './commands/allocator.ts';
import type { BookRequest, CancelRequest, CheckInRequest, HoldRequest, JoinRequest } from './domain/seat-requests.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { type EventSnapshot, saveEventSnapshots } from './store/inventories.ts';

/**
 * A booking database for one test file. Each `connect` stands for one process. It can connect through a proxy at another
 * URL. `end` closes its connections. `remove` deletes the database.
 */
export async function createBookingTestDatabase() {
  const { url, drop } = await createTestDatabase('booking');
  const pools = new Set<Pool>();
  const connect = (at = url) => {
    const pool = createDatabasePool(parseConfig(databaseSettings('booking_db'), { DATABASE_URL: at }));
    pools.add(pool);
    return {
      pool,
      database: new PrismaClient({ adapter: prismaAdapter(pool) }),
      sql: createSqlClient(pool),
      async end() {
        pools.delete(pool);
        await pool.end();
      },
    };
  };
  return {
    url,
    connect,
    async remove() {
      await Promise.all([...pools].map((pool) => pool.end()));
      await drop();
    },
  };
}

/** The settings of the tests' waiting lists: the defaults of the configuration. */
export const WAITLIST = { seatsMax: 10, offerTtlSeconds: 86_400 };

/** The allocator of one process. */
export const createTestAllocator = (pool: Pool) =>
  createAllocator({
    allocation: createBatchAllocation({ transact: driverTransactions(pool), newId: () => newId(), waitlist: WAITLIST }),
    queueMax: 100_000,
    queueTimeoutMs: 30_000,
    heldLanesMax: 2,
  });

const DAY_MS = 86_400_000;

/** Saves the inventory of an event that can be booked, and returns the event's facts. */
export async function makeEvent(database: PrismaClient, facts: Partial<EventSnapshot> = {}): Promise<EventSnapshot> {
  const event: EventSnapshot = {
    eventId: newId(),
    organizerId: newId(),
    startsAt: new Date(Date.now() + DAY_MS),
    status: 'SCHEDULED',
    version: 1,
    initialSeats: 100,
    ...facts,
  };
  await saveEventSnapshots(database, [event]);
  return event;
}

/** A booking request for one seat with new ids and a new key, except for the given fields. */
export function bookRequest(request: Partial<BookRequest> & { eventId: string }): BookRequest {
  const userId = request.userId ?? newId();
  return {
    kind: 'book',
    bookingId: newId(),
    userId,
    callerId: userId,
    seatCount: 1,
    idempotencyKey: newId(),
    requestId: 'test',
    ...request,
  };
}

/** A request of a user without a reason to cancel a booking, except for the given fields. */
export const cancelRequest = (
  request: Partial<CancelRequest> & { bookingId: string; eventId: string },
): CancelRequest => ({
  kind: 'cancel',
  hasDeadline: true,
  reason: null,
  requestId: 'test',
  ...request,
});

/** A request to hold one seat with new ids and a new key, except for the given fields. */
export const holdRequest = (request: Partial<HoldRequest> & { eventId: string }): HoldRequest => ({
  kind: 'hold',
  holdId: newId(),
  userId: newId(),
  seatCount: 1,
  idempotencyKey: newId(),
  ttlSeconds: 300,
  requestId: 'test',
  ...request,
});

/** A request to wait for one seat with new ids, except for the given fields. */
export const joinRequest = (request: Partial<JoinRequest> & { eventId: string }): JoinRequest => ({
  kind: 'join-waitlist',
  entryId: newId(),
  userId: newId(),
  seatCount: 1,
  ...request,
});

/** A request to check in one seat with new ids and a new key, except for the given fields. */
export const checkInRequest = (
  request: Partial<CheckInRequest> & Pick<CheckInRequest, 'bookingId' | 'eventId'>,
): CheckInRequest => ({ kind: 'check-in', checkInId: newId(), deviceKey: newId(), seats: 1, ...request });
