/**
 * npm run bench:replicas
 *
 * Measures how the bookings per second grow with the number of booking processes: when each process books on its own
 * events, and when all of them book on one event. A proxy in front of the database adds the latency of a network, so that the
 * processes wait for the database and not for the processor of this machine. Writes docs/benchmarks/replicas.md.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProxy } from '#platform/testing/proxy.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import type { Measurement } from './support/load.ts';
import type { ReplicaRun } from './support/replica.ts';
import { machine, number, table, time, times } from './support/report.ts';
import { readSchedule } from './support/rounds.ts';
import { startBenchSystem, withDataDir } from './support/system.ts';
import { createDatabase, makeEvents } from './support/variants.ts';

const REPORT_FILE = 'docs/benchmarks/replicas.md';
const REPLICAS = [1, 2, 3, 4];
/** In each direction. */
const LATENCY_MS = 5;
const CALLERS_EACH = 32;
const EVENTS_EACH = 50;
const SEATS = 100_000_000;
const WARM_UP_MS = 1_000;

async function main(): Promise<void> {
  const { rounds, durationMs } = readSchedule({ rounds: 3, durationMs: 3_000 });
  await withDataDir(tmpdir(), async (dataDir, started) => {
    const { servers } = await startBenchSystem({ dataDir, started, names: [] });
    const direct = await createDatabase(servers.adminUrl, 'bench_replicas');
    const proxy = await createProxy(direct);
    started.defer(() => proxy.close());
    const replicas = await Promise.all(REPLICAS.map(() => startReplica(proxy.url)));
    started.defer(() => {
      for (const replica of replicas) replica.disconnect();
    });
    const own = await Promise.all(replicas.map(() => makeEvents(direct, EVENTS_EACH, SEATS)));
    const hot = await makeEvents(direct, 1, SEATS);
    proxy.slow(LATENCY_MS);

    const run = async (count: number, eventsOf: (index: number) => readonly string[]) => {
      const results = await Promise.all(
        replicas.slice(0, count).map((replica, index) => {
          const load = { concurrency: CALLERS_EACH, warmUpMs: WARM_UP_MS, durationMs };
          return ask(replica, { eventIds: eventsOf(index), ...load });
        }),
      );
      return {
        throughput: results.reduce((sum, { throughput }) => sum + throughput, 0),
        p99Ms: Math.max(...results.map(({ p99Ms }) => p99Ms)),
      };
    };
    const rows = { own: REPLICAS.map((): Sum[] => []), hot: REPLICAS.map((): Sum[] => []) };
    for (let round = 1; round <= rounds; round += 1) {
      await tellStep(`round ${round} of ${rounds}`, async () => {
        for (const [place, count] of REPLICAS.entries()) {
          rows.own[place]?.push(await run(count, (index) => own[index] ?? []));
          rows.hot[place]?.push(await run(count, () => hot));
        }
      });
    }
    const text = report(rows);
    writeFileSync(join(root, REPORT_FILE), text);
    await runTool('biome', ['format', '--write', REPORT_FILE]);
    console.log(`\n${text}`);
  });
}

async function startReplica(databaseUrl: string): Promise<ChildProcess> {
  const replica = fork(join(root, 'bench/support/replica.ts'), {
    env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: databaseUrl },
  });
  await once(replica, 'message');
  return replica;
}

async function ask(replica: ChildProcess, run: ReplicaRun): Promise<Measurement> {
  replica.send(run);
  const [measured] = await once(replica, 'message');
  return measured as Measurement;
}

type Sum = Pick<Measurement, 'throughput' | 'p99Ms'>;

function report(rows: Record<'own' | 'hot', Sum[][]>): string {
  const middle = (samples: readonly Sum[] = []) =>
    samples.toSorted((one, other) => one.throughput - other.throughput)[Math.floor(samples.length / 2)] as Sum;
  const cellsOf = (samples: Sum[][], place: number) => {
    const { throughput, p99Ms } = middle(samples[place]);
    return [number(throughput), times(throughput / middle(samples[0]).throughput), time(p99Ms)];
  };
  const head = [
    'booking processes',
    'own events: per second',
    'over one',
    'p99',
    'one event: per second',
    'over one',
    'p99',
  ];
  const lines = REPLICAS.map((count, place) => [
    String(count),
    ...cellsOf(rows.own, place),
    ...cellsOf(rows.hot, place),
  ]);
  return `# Bookings per second by number of booking processes

${machine()}. Made by \`npm run bench:replicas\`: the medians of the rounds.

Each process has ${CALLERS_EACH} callers, who book one seat at a time and then the next. A proxy delays all data between the
processes and MariaDB by ${LATENCY_MS} ms in each direction, like a distant database. So a transaction takes some 40 ms, and one process is
limited by the number of its callers and by this time, not by the processor. With own events, each process books on ${EVENTS_EACH}
events that no other process uses. With one event, all processes wait for the lock of the same row.

${table(head, lines)}
`;
}

await runScript(main);
