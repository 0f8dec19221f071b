/**
 * npm run bench:live
 *
 * Measures a sale of one event while 10,000 listeners follow its seats at the gateway that also takes the bookings. It
 * compares the bookings with and without the listeners, in turns, and measures the memory and the processor time of the
 * gateway. Writes docs/benchmarks/live.md.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedPids } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { LocalError, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { SUBGRAPHS } from '#services';
import { INSPECTED, inspect } from './support/inspector.ts';
import type { Heard, Listening } from './support/listeners.ts';
import { machine, number, table } from './support/report.ts';
import { ratioOver, readSchedule, type Sample, summarize, takeSample, warmUp } from './support/rounds.ts';
import { createBuyers, saveEventFacts, startBenchSystem, withDataDir } from './support/system.ts';
import { makeEvents, overHttp } from './support/variants.ts';
import { bookingRun } from './support/ways.ts';

const REPORT_FILE = 'docs/benchmarks/live.md';
const LISTENERS = Number(process.env.BENCH_LISTENERS ?? 10_000);
const CONCURRENCY = 64;
const SEATS = 1_000_000;
const QUERY = 'subscription Seats($id: ID!) { eventSeats(eventId: $id) { id name availableSeats } }';
const { rounds, durationMs } = readSchedule({ rounds: 7, durationMs: 8_000 });

/** A gateway that uses the default limits, but gets all listeners from one address. */
const ENV = { ...INSPECTED, LIVE_STREAMS_MAX: String(2 * LISTENERS), LIVE_STREAMS_ADDRESS_MAX: String(2 * LISTENERS) };

/** What listeners got in one measurement. */
interface Live {
  readonly updatesPerS: number;
  readonly executionsPerS: number;
}

interface Snapshot extends Heard {
  readonly atMs: number;
  readonly executions: number;
}

async function tell(child: ChildProcess, message: Listening | 'count' | 'close'): Promise<Heard> {
  child.send(message);
  const [heard] = (await once(child, 'message')) as [Heard];
  return heard;
}

async function compare(dataDir: string, started: AsyncDisposableStack): Promise<void> {
  const system = await startBenchSystem({ dataDir, started, names: ['gateway', ...SUBGRAPHS], env: ENV });
  const { ports, servers, admin } = system;
  const buyers = await createBuyers(system, 200);
  const databaseUrl = servers.databaseUrls.booking;
  const [eventId = ''] = await makeEvents(databaseUrl, 1, SEATS);
  await admin.query(
    `INSERT INTO event_db.events (id, name, starts_at, status, organizer_id, initial_seats, version, created_at, updated_at)
     VALUES (?, 'Concert', '2030-01-01', 'SCHEDULED', ?, ?, 1, NOW(3), NOW(3))`,
    [eventId, eventId, SEATS],
  );
  const variant = overHttp('book', { url: `http://127.0.0.1:${ports.gateway}/graphql`, databaseUrl, buyers });
  started.defer(async () => void (await variant.stop()));
  await saveEventFacts(admin, [eventId]);
  const book = () => bookingRun(variant, { admin, ids: [eventId], notifies: true });
  const listeners = fork(join(root, 'bench/support/listeners.ts'), { stdio: 'inherit' });
  started.defer(() => void listeners.disconnect());
  const gateway = await inspect('gateway', dataDir);
  started.defer(gateway.close);
  const listening = { port: ports.gateway, query: QUERY, eventId, count: LISTENERS };
  const pids = { gateway: recordedPids(dataDir).gateway ?? 0, listeners: listeners.pid ?? 0 };

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${ports.gateway}/metrics`)).text();
    return Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  }
  async function openAll(): Promise<void> {
    const { open } = await tellStep(`Opening ${number(LISTENERS)} streams`, () => tell(listeners, listening));
    if (open !== LISTENERS) throw new LocalError(`Only ${open} streams are open.`);
  }
  /** Opens the streams, and returns the memory that each of them takes. */
  async function openAndWeigh(): Promise<{ heapBytes: number; rssBytes: number }> {
    const before = await gateway.measureHeap();
    await openAll();
    const after = await gateway.measureHeap();
    return {
      heapBytes: (after.usedBytes - before.usedBytes) / LISTENERS,
      rssBytes: (after.rssBytes - before.rssBytes) / LISTENERS,
    };
  }
  async function closeAll(): Promise<void> {
    await tell(listeners, 'close');
    while ((await metric('live_streams')) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  const snapshot = async (): Promise<Snapshot> => ({
    ...(await tell(listeners, 'count')),
    executions: await metric('live_executions_total'),
    atMs: performance.now(),
  });

  await tellStep('Warming up without listeners', () => warmUp(book(), CONCURRENCY));
  const memory = await openAndWeigh();
  await tellStep('Warming up with listeners', () => warmUp(book(), CONCURRENCY));
  await closeAll();

  const without: Sample[] = [];
  const with_: Sample[] = [];
  const live: Live[] = [];
  let begin = await snapshot();
  let heard: Live = { updatesPerS: 0, executionsPerS: 0 };
  /** Counts the updates until the last booking, but not while the notifications are awaited. */
  function measure(): Promise<Sample> {
    const { ask, settle } = book();
    const settled = async () => {
      const end = await snapshot();
      const seconds = (end.atMs - begin.atMs) / 1_000;
      heard = {
        updatesPerS: (end.updates - begin.updates) / seconds,
        executionsPerS: (end.executions - begin.executions) / seconds,
      };
      await settle();
      begin = await snapshot();
    };
    return takeSample({ ask, settle: settled }, { concurrency: CONCURRENCY, durationMs, pids });
  }
  const perSecond = ({ throughput }: Sample) => `${Math.round(throughput)}/s`;
  for (let round = 1; round <= rounds; round += 1) {
    without.push(await tellStep(`Round ${round}, without listeners`, measure, perSecond));
    await openAll();
    await tellStep('Warming up with listeners', () => warmUp(book(), CONCURRENCY));
    with_.push(await tellStep(`Round ${round}, with listeners`, measure, perSecond));
    live.push(heard);
    if (begin.open !== LISTENERS) throw new LocalError(`${LISTENERS - begin.open} streams were closed.`);
    await closeAll();
  }
  report({ without, with: with_, live, memory });
  await runTool('biome', ['format', '--write', REPORT_FILE]);
}

function report({
  without,
  with: with_,
  live,
  memory,
}: {
  without: readonly Sample[];
  with: readonly Sample[];
  live: readonly Live[];
  memory: { heapBytes: number; rssBytes: number };
}): void {
  const medianOf = (value: (one: Live) => number) =>
    live.map(value).toSorted((one, other) => one - other)[live.length >> 1] ?? Number.NaN;
  const row = (label: string, samples: readonly Sample[]) => {
    const { throughput, p50Ms, p99Ms, failed, cpuMs } = summarize(samples);
    const times = [p50Ms, p99Ms].map((ms) => `${ms.toFixed(1)} ms`);
    const cpu = ['gateway', 'listeners'].map((name) => `${(((cpuMs[name] ?? 0) * throughput) / 10).toFixed(0)} %`);
    return [label, number(throughput), ratioOver(without, samples).toFixed(2), ...times, ...cpu, number(failed)];
  };
  const text = [
    `# ${number(LISTENERS)} listeners during a sale`,
    `${machine()}. ${INTRODUCTION}`,
    table(
      ['', 'bookings per second', 'ratio', 'p50', 'p99', 'CPU of the gateway', 'CPU of the listeners', 'failed'],
      [row('without listeners', without), row(`with ${number(LISTENERS)} listeners`, with_)],
    ),
    table(
      ['with listeners', ''],
      [
        ['updates that arrived, per second', number(medianOf(({ updatesPerS }) => updatesPerS))],
        ['executions for them, per second', medianOf(({ executionsPerS }) => executionsPerS).toFixed(1)],
        ['heap of the gateway for each listener', `${(memory.heapBytes / 1_024).toFixed(1)} KiB`],
        ['resident memory of the gateway for each listener', `${(memory.rssBytes / 1_024).toFixed(1)} KiB`],
      ],
    ),
  ].join('\n\n');
  writeFileSync(join(root, REPORT_FILE), `${text}\n`);
  console.log(`\n${text}`);
}

const INTRODUCTION = `Made by \`npm run bench:live\`: the medians of ${rounds} rounds of ${durationMs / 1_000} s each, in which bookings of one event are
measured in turn without and with ${number(LISTENERS)} listeners. All listeners follow this event, over Server-Sent Events, at the one
gateway that also takes the bookings. The bookings come from ${CONCURRENCY} clients at a time. CPU is the share of one core. The processes
that book and that listen share the two cores with everything else, which makes the ratio worse than with clients on other
machines. Memory is measured once, after garbage collection, when the streams have opened; resident memory does not contain the
buffers of the operating system.`;

await runScript(() => withDataDir(tmpdir(), compare));
