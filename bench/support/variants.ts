import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '@prisma/client/runtime/client';
import { bulkhead } from 'cockatiel';
import { v7 as newId } from 'uuid';
import { createDatabasePool, prismaAdapter, type SqlClient, TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { applyMigrations, openConnection } from '#platform/database/migrations.ts';
import { driverTransactions, type Transact } from '#platform/database/transactions.ts';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { startProcess, tailOf } from '#scripts/local/processes/processes.ts';
import { LocalError, root } from '#scripts/local/settings.ts';
import type { Buyer } from '#tests/support/buyers.ts';
import { createBatchAllocation } from '../../subgraphs/booking/commands/allocate-batch.ts';
import { createAllocator } from '../../subgraphs/booking/commands/allocator.ts';
import type { BookRequest } from '../../subgraphs/booking/domain/seat-requests.ts';
import { PrismaClient } from '../../subgraphs/booking/generated/prisma/client.ts';
import { saveEventSnapshots } from '../../subgraphs/booking/store/inventories.ts';
import { bookingOperation, createPoster, resultOf } from './http-booking.ts';
import type { Result } from './load.ts';

/** One way to book. */
export interface Variant {
  readonly label: string;
  /** The database for the bookings. Variants may share a database, but not events. */
  readonly databaseUrl: string;
  book(eventId: string): Promise<Result>;
  stop(): Promise<unknown>;
}

const CONNECTIONS = 256;
const POOL_MAX = 10;
const START_TIMEOUT_MS = 10_000;

/** Creates an empty booking database with all migrations. Returns its URL. */
export async function createDatabase(adminUrl: string, name: string): Promise<string> {
  const connection = await openConnection(adminUrl);
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.end();
  const url = new URL(name, adminUrl).href;
  await applyMigrations({ url, folder: join(root, 'prisma/booking/migrations') });
  return url;
}

/** Transactions through Prisma's interactive transactions. */
const prismaTransactions =
  (database: SqlClient): Transact =>
  (run) =>
    database.$transaction(async (transaction) => {
      const last: Sql[] = [];
      const result = await run({
        $queryRaw: (statement) => transaction.$queryRaw(statement),
        $executeRaw: (statement) => transaction.$executeRaw(statement),
        commitWith: (statements) => last.push(...statements),
      });
      for (const statement of last) await transaction.$executeRaw(statement);
      return result;
    }, TRANSACTION_LIMITS);

/** Connects to a booking database as the booking subgraph does. */
function connect(url: string) {
  const env = { DATABASE_URL: url, DATABASE_POOL_MAX: String(POOL_MAX) };
  const pool = createDatabasePool(parseConfig(databaseSettings('booking_db'), env));
  return { pool, database: new PrismaClient({ adapter: prismaAdapter(pool) }), close: () => pool.end() };
}

const START_IN_MS = 30 * 86_400_000;

/** Creates bookable events. Returns their ids. */
export async function makeEvents(databaseUrl: string, count: number, seats: number): Promise<string[]> {
  const { database, close } = connect(databaseUrl);
  const organizerId = newId();
  const startsAt = new Date(Date.now() + START_IN_MS);
  const facts = { organizerId, startsAt, status: 'SCHEDULED', version: 1, initialSeats: seats } as const;
  const events = Array.from({ length: count }, () => ({ eventId: newId(), ...facts }));
  await saveEventSnapshots(database, events);
  await close();
  return events.map(({ eventId }) => eventId);
}

/** (a) Express and mysql2 in a separate process, over HTTP. */
export async function usualWay(databaseUrl: string, port: number, dataDir: string): Promise<Variant> {
  const server = startProcess({
    name: 'usual-way',
    command: process.execPath,
    args: [join(root, 'bench/support/usual-way.ts')],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      POOL_MAX: String(POOL_MAX),
    },
    dataDir,
  });
  const up = async () => (await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined))?.ok === true;
  const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
  while (!(await up())) {
    if (server.ended !== undefined || Date.now() > giveUpAtMs) {
      throw new LocalError(`bench/support/usual-way.ts did not start. The end of its log:\n${tailOf(server.logFile)}`);
    }
    await delay(50);
  }
  const poster = createPoster(`http://127.0.0.1:${port}/bookings`, CONNECTIONS);
  return {
    label: '(a) Express, mysql2, one transaction each',
    databaseUrl,
    async book(eventId) {
      const body = { eventId, userId: newId(), seatCount: 1, idempotencyKey: randomUUID() };
      const { statusCode } = await poster.post(body);
      return statusCode === 201 ? 'confirmed' : statusCode === 409 ? 'refused' : 'failed';
    },
    async stop() {
      await poster.close();
      await server.stop(5_000);
    },
  };
}

const WAITLIST = { seatsMax: 10, offerTtlSeconds: 86_400 };

const request = (eventId: string): BookRequest => {
  const userId = newId();
  const ids = { bookingId: newId(), eventId, userId, callerId: userId };
  return { kind: 'book', ...ids, seatCount: 1, idempotencyKey: randomUUID(), requestId: 'bench' };
};

/** (b) The allocator's transaction, for one booking at a time, called directly. */
export function prismaEach(databaseUrl: string): Variant {
  const { database, close } = connect(databaseUrl);
  const allocation = createBatchAllocation({
    transact: prismaTransactions(database),
    newId: () => newId(),
    waitlist: WAITLIST,
  });
  // Prisma refuses a transaction that waits more than 2 s for a connection. Here the transactions queue instead.
  const limit = bulkhead(POOL_MAX, Number.POSITIVE_INFINITY);
  return {
    label: '(b) one Prisma transaction each',
    databaseUrl,
    async book(eventId) {
      try {
        const one = request(eventId);
        const [outcome] = await limit.execute(() => allocation.allocateHeld(eventId, () => [one]));
        return outcome?.outcome === 'booked' ? 'confirmed' : 'refused';
      } catch {
        return 'failed';
      }
    },
    stop: close,
  };
}

/** (c) The allocator, called directly: on the mariadb driver, as in production, or on Prisma's transactions. */
export function allocatorDirectly(databaseUrl: string, on: 'driver' | 'Prisma'): Variant {
  const { pool, database, close } = connect(databaseUrl);
  const transact = on === 'driver' ? driverTransactions(pool) : prismaTransactions(database);
  const allocator = createAllocator({
    allocation: createBatchAllocation({ transact, newId: () => newId(), waitlist: WAITLIST }),
    queueMax: 10_000,
    queueTimeoutMs: 5_000,
    heldLanesMax: Math.floor(POOL_MAX / 4),
  });
  return {
    label: on === 'driver' ? '(c) the allocator, directly' : "(c') the same on Prisma's transactions",
    databaseUrl,
    async book(eventId) {
      const { outcome } = await allocator.submit(request(eventId));
      return outcome === 'booked' ? 'confirmed' : 'refused';
    },
    async stop() {
      await allocator.stop();
      await close();
    },
  };
}

/** (d), (e) The createBooking mutation over HTTP, sent by the buyers in turn. */
export function overHttp(
  label: string,
  { url, databaseUrl, proof, buyers }: { url: string; databaseUrl: string; proof?: string; buyers: readonly Buyer[] },
): Variant {
  const poster = createPoster(url, CONNECTIONS);
  const headers = buyers.map(({ authorization }) => ({
    authorization,
    ...(proof && { [GATEWAY_PROOF_HEADER]: proof }),
  }));
  let next = 0;
  return {
    label,
    databaseUrl,
    async book(eventId) {
      next = (next + 1) % headers.length;
      return resultOf(await poster.post(bookingOperation(eventId), headers[next]));
    },
    stop: poster.close,
  };
}
