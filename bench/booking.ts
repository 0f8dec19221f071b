/**
 * npm run bench:booking [-- [--database mariadb|mysql] [pattern of the lines to run, like "hot event, 64"]]
 *
 * Measures bookings on one hot event and over 200 events, one event's page and a user's own bookings, at 1, 16, 64 and
 * 200 requests at a time, with the processor time of every process:
 * (a) the baseline: Express and mysql2, over HTTP;
 * (b) one Prisma transaction for each booking, called directly;
 * (c) the allocator, called directly, and (c') the allocator on Prisma's transactions;
 * (d) createBooking over HTTP at the subgraph, and (e) at the gateway, with all services running.
 * The variants take turns in each of BENCH_ROUNDS rounds (3), for BENCH_DURATION_MS (2,000) each.
 * Fails if a booking was lost, a seat was sold twice or a page was incomplete. A run without a pattern writes
 * docs/benchmarks/booking.md or booking-mysql.md.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedPids } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { type Database, takeDatabase } from '#scripts/local/servers/databases.ts';
import { root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { eachOf, SUBGRAPHS } from '#services';
import { createReadData, readAtGateway, readUsualWay } from './support/pages.ts';
import { LOAD, report } from './support/report.ts';
import { readSchedule, type Sample, takeSample, warmUp } from './support/rounds.ts';
import { type BenchSystem, createBuyers, startBenchSystem, withDataDir } from './support/system.ts';
import { allocatorDirectly, createDatabase, overHttp, prismaEach, usualWay } from './support/variants.ts';
import { bookingWay, type Way } from './support/ways.ts';

const CONCURRENCIES = [1, 16, 64, 200];
const COMPILE_CONCURRENCY = 64;
const USERS = 200;
const DATABASE_NAMES = { mariadb: 'MariaDB', mysql: 'MySQL' };
const REPORT_FILES = { mariadb: 'docs/benchmarks/booking.md', mysql: 'docs/benchmarks/booking-mysql.md' };
const { rounds, durationMs } = readSchedule({ rounds: 3, durationMs: 2_000 });

/** Starts the system, measures every variant under every load, and writes the report. */
async function compare(
  dataDir: string,
  started: AsyncDisposableStack,
  { database, pattern }: { database: Database; pattern: string | undefined },
): Promise<void> {
  const system = await startBenchSystem({ dataDir, started, database, names: ['gateway', ...SUBGRAPHS] });
  const operations = await createOperations(system, dataDir, started);
  const { 'usual-way': express = 0, ...recorded } = recordedPids(dataDir);
  const services = eachOf(['gateway', ...SUBGRAPHS, database, 'nats', 'redis'], (name) => recorded[name] ?? 0);
  const pids = { ...services, Express: express, [LOAD]: process.pid };
  const isWanted = new RegExp(pattern ?? '');
  const rows = Object.entries(operations).flatMap(([operation, ways]) =>
    CONCURRENCIES.flatMap((concurrency) =>
      ways.map((way) => ({
        load: `${operation}, ${concurrency} at a time`,
        label: way.label,
        way,
        concurrency,
        samples: [] as Sample[],
      })),
    ),
  );
  const wanted = rows.filter(({ load, label }) => isWanted.test(`${load}: ${label}`));

  for (const way of new Set(wanted.map((row) => row.way))) {
    await tellStep(`Warming up: ${way.label}`, async () => warmUp(await way.prepare(), COMPILE_CONCURRENCY));
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const { load, label, way, concurrency, samples } of wanted) {
      const run = await way.prepare();
      const sample = await tellStep(
        `Round ${round}, ${load}: ${label}`,
        () => takeSample(run, { concurrency, durationMs, pids }),
        ({ throughput }) => `${Math.round(throughput)}/s`,
      );
      await run.check?.();
      samples.push(sample);
    }
  }
  const text = report(`Bookings and pages per second on ${DATABASE_NAMES[database]}`, INTRODUCTION, wanted);
  if (pattern === undefined) {
    writeFileSync(join(root, REPORT_FILES[database]), text);
    await runTool('biome', ['format', '--write', REPORT_FILES[database]]);
  }
  console.log(`\n${text}`);
}

const INTRODUCTION = `Made by
\`npm run bench:booking\`: the medians of ${rounds} rounds, in which the variants took turns for ${durationMs / 1_000} s each. All rows come from
one run, so compare the ratios.

(a) is an ordinary service: Express and mysql2, with one transaction for each booking and one statement for each page. It
checks no identity and publishes no messages. (b) and (c) are called directly, in the process that sends the load. (d) and
(e) also check identity, publish a message for each booking and send its notification. The processor time of a booking
includes that of its message and its notification.`;

/** Returns the variants of each operation. The first one is Express. */
async function createOperations(
  system: BenchSystem,
  dataDir: string,
  started: AsyncDisposableStack,
): Promise<Record<string, Way[]>> {
  const { ports, servers, secrets, admin } = system;
  const buyers = await createBuyers(system, USERS);
  const data = await createReadData(admin, secrets);

  const gatewayUrl = `http://127.0.0.1:${ports.gateway}/graphql`;
  const databaseUrl = servers.databaseUrls.booking;
  const subgraph = { url: `http://127.0.0.1:${ports.booking}/graphql`, proof: secrets.subgraphs.booking };
  const variants = [
    await usualWay(await createDatabase(servers.adminUrl, 'bench_usual'), ports.other, dataDir),
    prismaEach(await createDatabase(servers.adminUrl, 'bench_prisma')),
    allocatorDirectly(await createDatabase(servers.adminUrl, 'bench_allocator'), 'driver'),
    allocatorDirectly(await createDatabase(servers.adminUrl, 'bench_allocator_prisma'), 'Prisma'),
    overHttp('(d) createBooking at the subgraph', { ...subgraph, databaseUrl, buyers }),
    overHttp('(e) createBooking at the gateway', { url: gatewayUrl, databaseUrl, buyers }),
  ];
  const readers = [readUsualWay(`http://127.0.0.1:${ports.other}`, data), readAtGateway(gatewayUrl, data)];
  for (const { stop } of [...variants, ...readers]) started.defer(() => void stop());

  const book = (events: number, seats: number) =>
    variants.map((variant) =>
      bookingWay(variant, { admin, events, seats, notifies: variant.databaseUrl === databaseUrl }),
    );
  const read = (operation: 'readEventPage' | 'readOwnBookings'): Way[] =>
    readers.map(({ label, [operation]: ask }) => ({ label, prepare: async () => ({ ask }) }));
  return {
    'Book on one hot event': book(1, 1_000_000),
    'Book over 200 events': book(200, 100_000),
    "One event's page": read('readEventPage'),
    'Own bookings': read('readOwnBookings'),
  };
}

await runScript(async () => {
  const { database, rest } = takeDatabase(process.argv.slice(2));
  await withDataDir(tmpdir(), (dataDir, started) => compare(dataDir, started, { database, pattern: rest[0] }));
});
