/**
 * npm run bench:floor
 *
 * Measures how fast one caller at a time can be at best when several processes answer: bare Node processes in the
 * arrangement of the gateway and the subgraphs, which only pass a request on and run one SQL statement where the
 * subgraph runs one. Express and the real system take turns with them. Writes docs/benchmarks/floor.md.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { startProcess } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { SUBGRAPHS } from '#services';
import { createPoster } from './support/http-booking.ts';
import type { Result } from './support/load.ts';
import { createReadData, readAtGateway, readUsualWay } from './support/pages.ts';
import { report } from './support/report.ts';
import { readSchedule, takeSample, warmUp } from './support/rounds.ts';
import { type BenchSystem, startBenchSystem, withDataDir } from './support/system.ts';
import { createDatabase, usualWay } from './support/variants.ts';

const REPORT_FILE = 'docs/benchmarks/floor.md';
const COMPILE_CONCURRENCY = 16;
const START_MS = 1_000;
const { rounds, durationMs } = readSchedule({ rounds: 5, durationMs: 2_000 });

interface Way {
  readonly operation: string;
  readonly label: string;
  ask(): Promise<Result>;
}

/** Starts one bare process. Returns its URL. */
type StartHop = (name: string, env: NodeJS.ProcessEnv) => string;

/** Starts the bare processes. Each stage of a page waits for the one before, as in a query plan. */
function startFloor(startHop: StartHop): Record<'page' | 'bookings', string> {
  const events = startHop('event', {});
  const seats = startHop('booking', { STATEMENT: 'SELECT * FROM booking_db.inventories LIMIT 1' });
  const user = startHop('user', { STATEMENT: 'SELECT id, name FROM user_db.users LIMIT 1' });
  const list = startHop('list', { STATEMENT: 'SELECT * FROM booking_db.bookings LIMIT 21' });
  return {
    page: startHop('page', { STAGES: JSON.stringify([[events], [seats, user]]) }),
    bookings: startHop('own', { STAGES: JSON.stringify([[list], [events]]) }),
  };
}

async function createWays(system: BenchSystem, dataDir: string, started: AsyncDisposableStack): Promise<Way[]> {
  const { ports, servers, secrets, admin } = system;
  const data = await createReadData(admin, secrets);
  const hopPorts = await freePorts(['event', 'booking', 'user', 'list', 'page', 'own'] as const);
  const floor = startFloor((name, env) => {
    const PORT = String(hopPorts[name as keyof typeof hopPorts]);
    startProcess({
      name: `floor-${name}`,
      dataDir,
      command: process.execPath,
      args: ['bench/support/hop.ts'],
      env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: servers.adminUrl, PORT, ...env },
    });
    return `http://127.0.0.1:${PORT}/`;
  });
  const express = await usualWay(await createDatabase(servers.adminUrl, 'bench_usual'), ports.other, dataDir);
  await delay(START_MS);
  const usual = readUsualWay(`http://127.0.0.1:${ports.other}`, data);
  const gateway = readAtGateway(`http://127.0.0.1:${ports.gateway}/graphql`, data);
  const [page, bookings] = [createPoster(floor.page, 1), createPoster(floor.bookings, 1)];
  const stoppable = [express, usual, gateway, { stop: page.close }, { stop: bookings.close }];
  for (const { stop } of stoppable) started.defer(() => void stop());

  const bare =
    ({ post }: typeof page) =>
    async () =>
      (await post({})).statusCode === 200 ? 'confirmed' : 'failed';
  const operations = [
    { operation: "One event's page", method: 'readEventPage', floor: bare(page) },
    { operation: 'Own bookings', method: 'readOwnBookings', floor: bare(bookings) },
  ] as const;
  return operations.flatMap(({ operation, method, floor }) => [
    { operation, label: usual.label, ask: usual[method] },
    { operation, label: '(b) bare processes in the same arrangement', ask: floor },
    { operation, label: '(c) the gateway', ask: gateway[method] },
  ]);
}

async function compare(dataDir: string, started: AsyncDisposableStack): Promise<void> {
  const system = await startBenchSystem({ dataDir, started, names: ['gateway', ...SUBGRAPHS] });
  const ways = await createWays(system, dataDir, started);
  const rows = ways.map((way) => ({
    ...way,
    load: way.operation,
    samples: [] as Awaited<ReturnType<typeof takeSample>>[],
  }));
  for (const { label, ask } of ways) await tellStep(`Warming up: ${label}`, () => warmUp({ ask }, COMPILE_CONCURRENCY));
  for (let round = 1; round <= rounds; round += 1) {
    for (const { load, label, ask, samples } of rows) {
      const sample = await tellStep(
        `Round ${round}, ${load}: ${label}`,
        () => takeSample({ ask }, { concurrency: 1, durationMs, pids: {} }),
        ({ throughput }) => `${Math.round(throughput)}/s`,
      );
      samples.push(sample);
    }
  }
  const text = report('One caller at a time: the floor of several processes', INTRODUCTION, rows);
  writeFileSync(join(root, REPORT_FILE), text);
  await runTool('biome', ['format', '--write', REPORT_FILE]);
  console.log(`\n${text}`);
}

const INTRODUCTION = `Made by \`npm run bench:floor\`: the medians of ${rounds} rounds of ${durationMs / 1_000} s. One caller sends its next
request when it has the answer to the last one.

(b) are bare Node processes without GraphQL, identity and checks. A request goes through the same number of processes in the
same order as in the real system, and the same processes send one statement to the database. So (b) shows the cost of the
requests between processes on this machine. Faster code in the gateway or the subgraphs cannot make (c) faster than (b).`;

await runScript(() => withDataDir(tmpdir(), compare));
