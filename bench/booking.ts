/**
 * npm run bench:booking [-- [--database mariadb|mysql] [pattern of the lines to run, like "hot event, 64"]]
 *
 * Measures confirmed bookings per second in one run, on one hot event and spread over 1,000 events:
 * (a) the usual way: Express and mysql2 with one transaction for each booking, over HTTP;
 * (b) one Prisma transaction for each booking, called directly;
 * (c) the allocator, called directly, and (c') the allocator on Prisma's transactions;
 * (d) createBooking over HTTP at the subgraph, and (e) at the gateway, with all services running.
 * Fails when a booking was lost or a seat was sold twice. A run without a pattern writes docs/benchmarks/booking.md or
 * booking-mysql.md.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mariadb';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { type Database, takeDatabase } from '#scripts/local/servers/databases.ts';
import { LocalError, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { SUBGRAPHS } from '#services';
import { signInMany } from '#tests/support/buyers.ts';
import { measure } from './support/load.ts';
import { type Row, report } from './support/report.ts';
import { startBenchSystem, withDataDir } from './support/system.ts';
import {
  allocatorDirectly,
  createDatabase,
  makeEvents,
  overHttp,
  prismaEach,
  usualWay,
  type Variant,
} from './support/variants.ts';

const CONCURRENCIES = [1, 64, 256];
const SPREADS = [
  { name: 'one hot event', events: 1, seats: 1_000_000 },
  { name: '1,000 events', events: 1_000, seats: 100_000 },
];
const WARM_UP_MS = 2_500;
const DURATION_MS = Number(process.env.BENCH_DURATION_MS ?? 4_000);
const USERS = 200;
const DRAIN_TIMEOUT_MS = 300_000;
const DATABASE_NAMES = { mariadb: 'MariaDB', mysql: 'MySQL' };
const REPORT_FILES = { mariadb: 'docs/benchmarks/booking.md', mysql: 'docs/benchmarks/booking-mysql.md' };

/** Starts everything, measures every variant under every load, and writes the report. */
async function compare(
  dataDir: string,
  started: AsyncDisposableStack,
  { database, pattern }: { database: Database; pattern: string | undefined },
): Promise<void> {
  const { ports, servers, secrets, admin } = await startBenchSystem({
    dataDir,
    started,
    database,
    names: ['gateway', ...SUBGRAPHS],
  });
  const buyers = await signInMany(USERS, secrets);
  const contacts = buyers.map(({ userId }) => [userId, 'Ada', 'ada@example.com']);
  await admin.batch('INSERT INTO notification_db.contacts (user_id, name, email) VALUES (?, ?, ?)', contacts);
  const databaseUrl = servers.databaseUrls.booking;
  const subgraph = { url: `http://127.0.0.1:${ports.booking}/graphql`, proof: secrets.subgraphs.booking };
  const variants = [
    await usualWay(await createDatabase(servers.adminUrl, 'bench_usual'), ports.other, dataDir),
    prismaEach(await createDatabase(servers.adminUrl, 'bench_prisma')),
    allocatorDirectly(await createDatabase(servers.adminUrl, 'bench_allocator'), 'driver'),
    allocatorDirectly(await createDatabase(servers.adminUrl, 'bench_allocator_prisma'), 'Prisma'),
    overHttp('(d) createBooking at the subgraph', { ...subgraph, databaseUrl, buyers }),
    overHttp('(e) createBooking at the gateway', {
      url: `http://127.0.0.1:${ports.gateway}/graphql`,
      databaseUrl,
      buyers,
    }),
  ];
  for (const variant of variants) started.defer(() => void variant.stop());

  const isWanted = new RegExp(pattern ?? '');
  const rows: Row[] = [];
  for (const { name, events, seats } of SPREADS) {
    for (const concurrency of CONCURRENCIES) {
      for (const variant of variants) {
        const load = `${name}, ${concurrency} at a time`;
        const title = `${load}: ${variant.label}`;
        if (!isWanted.test(title)) continue;
        const run = () => runOne(variant, { admin, eventCount: events, seats, concurrency });
        const measurement = await tellStep(title, run, ({ throughput }) => `${Math.round(throughput)}/s`);
        rows.push({ load, label: variant.label, measurement });
      }
    }
  }
  const text = report(`Bookings per second on ${DATABASE_NAMES[database]}`, rows);
  if (pattern === undefined) {
    writeFileSync(join(root, REPORT_FILES[database]), text);
    await runTool('biome', ['format', '--write', REPORT_FILES[database]]);
  }
  console.log(`\n${text}`);
}

/**
 * Measures a variant on new events.
 * @throws LocalError when the confirmed bookings differ from those in the database
 */
async function runOne(
  variant: Variant,
  {
    admin,
    eventCount,
    seats,
    concurrency,
  }: { admin: Connection; eventCount: number; seats: number; concurrency: number },
) {
  const ids = await makeEvents(variant.databaseUrl, eventCount, seats);
  await admin.batch(
    "INSERT INTO notification_db.event_facts VALUES (?, 'Concert', NULL, '2030-01-01', 1)",
    ids.map((id) => [id]),
  );
  let confirmed = 0;
  const book = async () => {
    const result = await variant.book(ids[Math.floor(Math.random() * ids.length)] ?? '');
    if (result === 'confirmed') confirmed += 1;
    return result;
  };
  const measurement = await measure(book, { concurrency, warmUpMs: WARM_UP_MS, durationMs: DURATION_MS });
  await drain(admin);
  const database = new URL(variant.databaseUrl).pathname.slice(1);
  const [sums] = await admin.query<{ booked: bigint | null; taken: bigint }[]>(
    `SELECT (SELECT SUM(seat_count) FROM ${database}.bookings WHERE event_id IN (?) AND status = 'CONFIRMED') AS booked,
            SUM(total_seats - available_seats) AS taken FROM ${database}.inventories WHERE event_id IN (?)`,
    [ids, ids],
  );
  const [booked, taken] = [Number(sums?.booked), Number(sums?.taken)];
  if (booked !== taken || booked !== confirmed) {
    throw new LocalError(`${variant.label}: ${confirmed} confirmed, ${booked} booked, ${taken} seats taken.`);
  }
  return measurement;
}

/** Waits until all notifications are sent, so that this work does not slow the next measurement. */
async function drain(admin: Connection): Promise<void> {
  const giveUpAtMs = Date.now() + DRAIN_TIMEOUT_MS;
  for (;;) {
    const [left] = await admin.query<{ open: bigint }[]>(
      `SELECT (SELECT COUNT(*) FROM booking_db.bookings)
            - (SELECT COUNT(*) FROM notification_db.notifications WHERE status = 'SENT') AS open`,
    );
    if (Number(left?.open) === 0) return;
    if (Date.now() > giveUpAtMs) throw new LocalError(`${left?.open} notifications were not sent in time.`);
    await delay(100);
  }
}

await runScript(async () => {
  const { database, rest } = takeDatabase(process.argv.slice(2));
  await withDataDir(tmpdir(), (dataDir, started) => compare(dataDir, started, { database, pattern: rest[0] }));
});
