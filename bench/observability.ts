/**
 * npm run bench:observability
 *
 * Measures what metrics, logs and traces cost. Two systems take turns. The one has them as they are shipped: a log line
 * for each operation, traces of 1 % of the operations with a receiver, and a scrape of each process every 15 s. The other
 * one has none of them, and its metrics do nothing. Writes docs/benchmarks/observability.md.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedPids } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { SERVICES, SUBGRAPHS } from '#services';
import { startTraceReceiver } from '#tests/support/trace-receiver.ts';
import { createReadData, readAtGateway } from './support/pages.ts';
import { machine, number, table } from './support/report.ts';
import { ratioOver, readSchedule, type Sample, summarize, takeSample, warmUp } from './support/rounds.ts';
import { createBuyers, startBenchSystem, withDataDir } from './support/system.ts';
import { overHttp } from './support/variants.ts';
import { bookingWay, type Way } from './support/ways.ts';

const REPORT_FILE = 'docs/benchmarks/observability.md';
const CONCURRENCY = 64;
/** As in monitoring/prometheus.yml. */
const SCRAPE_EVERY_MS = 15_000;
const OFF = { LOG_LEVEL: 'silent', NODE_OPTIONS: `--import ${join(root, 'bench/support/no-metrics.ts')}` };
const { rounds, durationMs } = readSchedule({ rounds: 15, durationMs: 3_000 });

async function startSystem(dataDir: string, started: AsyncDisposableStack, env: NodeJS.ProcessEnv) {
  const system = await startBenchSystem({ dataDir, started, names: ['gateway', ...SUBGRAPHS], env });
  const { ports, servers, secrets, admin } = system;
  const buyers = await createBuyers(system, 200);
  const url = `http://127.0.0.1:${ports.gateway}/graphql`;
  const databaseUrl = servers.databaseUrls.booking;
  const variant = overHttp('book', { url, databaseUrl, buyers });
  const reader = readAtGateway(url, await createReadData(admin, secrets));
  for (const { stop } of [variant, reader]) started.defer(() => void stop());
  const ways: Record<string, Way> = {
    'Book on one hot event': bookingWay(variant, { admin, events: 1, seats: 1_000_000, notifies: true }),
    "One event's page": { label: 'page', prepare: async () => ({ ask: reader.readEventPage }) },
  };
  return { ports, ways, pids: recordedPids(dataDir) };
}

async function compare(dataDirs: readonly [string, string], started: AsyncDisposableStack): Promise<void> {
  const receiver = await startTraceReceiver();
  started.defer(receiver.stop);
  const off = await startSystem(dataDirs[0], started, OFF);
  const on = await startSystem(dataDirs[1], started, { LOG_LEVEL: 'info', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
  const scrape = setInterval(() => {
    for (const name of SERVICES)
      void fetch(`http://127.0.0.1:${on.ports[name]}/metrics`).then((answer) => answer.text());
  }, SCRAPE_EVERY_MS);
  started.defer(() => clearInterval(scrape));

  const rows = Object.keys(on.ways).map((operation) => ({
    operation,
    variants: [off, on].map(({ ways, pids }) => ({ way: ways[operation] as Way, pids, samples: [] as Sample[] })),
  }));
  for (const { operation, variants } of rows) {
    for (const { way } of variants) {
      await tellStep(`Warming up: ${operation}`, async () => warmUp(await way.prepare(), CONCURRENCY));
    }
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const { operation, variants } of rows) {
      // The order changes in each round, so that a slowdown of the machine does not always meet the same one.
      for (const { way, pids, samples } of round % 2 === 0 ? variants : variants.toReversed()) {
        const sample = await tellStep(
          `Round ${round}, ${operation}: ${way === variants[0]?.way ? 'off' : 'on'}`,
          async () => takeSample(await way.prepare(), { concurrency: CONCURRENCY, durationMs, pids }),
          ({ throughput }) => `${Math.round(throughput)}/s`,
        );
        samples.push(sample);
      }
    }
  }
  const lines = rows.map(({ operation, variants }) => {
    const [without = [], with_ = []] = variants.map(({ samples }) => samples);
    const summaries = [without, with_].map(summarize);
    const speeds = summaries.map(({ throughput }) => number(throughput));
    const cpu = summaries.map(({ cpuMs }) => sum(Object.values(cpuMs)).toFixed(2));
    return [operation, ...speeds, ratioOver(without, with_).toFixed(2), ...cpu];
  });
  const text = [
    '# What metrics, logs and traces cost',
    `${machine()}. ${INTRODUCTION}`,
    table(
      [`${CONCURRENCY} at a time`, 'off, per second', 'on, per second', 'on / off', 'off, CPU ms', 'on, CPU ms'],
      lines,
    ),
    `The receiver got ${number(receiver.spans().length)} spans.`,
  ].join('\n\n');
  writeFileSync(join(root, REPORT_FILE), `${text}\n`);
  await runTool('biome', ['format', '--write', REPORT_FILE]);
  console.log(`\n${text}`);
}

const INTRODUCTION = `Made by \`npm run bench:observability\`: the medians of ${rounds} rounds of ${durationMs / 1_000} s, in which two systems took
turns. On: as shipped, with a log line for each operation, traces of 1 % of the operations, and a scrape of each process every 15 s. Off:
without logs and traces, and all metrics do nothing. CPU is the processor time of all services and servers for one operation.`;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

await runScript(() =>
  withDataDir(tmpdir(), (first) => withDataDir(tmpdir(), (second, started) => compare([first, second], started))),
);
