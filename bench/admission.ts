/**
 * npm run bench:admission
 *
 * Measures the start of a sale with five times as many callers as two booking processes can serve, with and without
 * lines (ADMISSION_WAITING_MAX). A proxy in front of the database adds latency, so that the database limits the bookings and not
 * the processor, which the load shares. Writes docs/benchmarks/admission.md.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProxy } from '#platform/testing/proxy.ts';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { createServices } from '#scripts/local/services/services.ts';
import { root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { signInMany } from '#tests/support/buyers.ts';
import { type Caller, createCrowd, overtakenShare } from './support/crowd.ts';
import { machine, number, table } from './support/report.ts';
import { BENCH_ENV, type BenchSystem, startBenchSystem, withDataDir } from './support/system.ts';
import { makeEvents } from './support/variants.ts';

const REPORT_FILE = 'docs/benchmarks/admission.md';
const PROCESSES = 2;
/** In each direction. */
const LATENCY_MS = Number(process.env.BENCH_LATENCY_MS ?? 80);
const OVERLOAD = 5;
const LASTS_MS = Number(process.env.BENCH_DURATION_MS ?? 5_000);
/** What a process decides in some 4.5 s, so that no request waits for longer than BOOKING_QUEUE_TIMEOUT_MS. */
const WAITING_MAX = 700;
const SEATS = 1_000_000;
/** Enough for full batches in both processes. */
const SATURATION = { atOnce: 2 * PROCESSES * 256, warmUpMs: 3_000, lastsMs: 6_000 };

async function startProcesses(
  { servers, ports, secrets }: BenchSystem,
  {
    dataDir,
    started,
    databaseUrl,
    waitingMax,
  }: {
    dataDir: string;
    started: AsyncDisposableStack;
    databaseUrl: string;
    waitingMax: number;
  },
) {
  const urls: string[] = [];
  for (let index = 0; index < PROCESSES; index += 1) {
    const { booking } = await freePorts(['booking'] as const);
    const services = createServices({
      ...servers,
      databaseUrls: { ...servers.databaseUrls, booking: databaseUrl },
      dataDir,
      ports: { ...ports, booking },
      secrets,
      env: { ...process.env, ...BENCH_ENV, ADMISSION_WAITING_MAX: String(waitingMax) },
      prefix: `${waitingMax}-${index}-`,
    });
    started.defer(services.stop);
    services.start('booking');
    await services.waitUntilReady();
    urls.push(`http://127.0.0.1:${booking}`);
  }
  return createCrowd(urls, secrets.subgraphs.booking);
}

async function compare(dataDir: string, started: AsyncDisposableStack): Promise<void> {
  const system = await startBenchSystem({ dataDir, started, names: [] });
  const { servers, secrets } = system;
  const direct = servers.databaseUrls.booking;
  const proxy = await createProxy(direct);
  started.defer(async () => proxy.close());
  const databaseUrl = Object.assign(new URL(direct), { host: new URL(proxy.url).host }).href;
  const [warmUp = '', without = '', with_ = ''] = await makeEvents(direct, 3, SEATS);
  const start = (waitingMax: number) => startProcesses(system, { dataDir, started, databaseUrl, waitingMax });
  const [closed, open] = [await start(WAITING_MAX), await start(0)];
  proxy.slow(LATENCY_MS);

  const regulars = await signInMany(SATURATION.atOnce, secrets);
  const saturate = () => open.saturate(regulars, warmUp, SATURATION);
  const perSecond = (rate: number) => `${Math.round(rate)}/s`;
  const sustainedPerS = await tellStep('What two processes can serve', saturate, perSecond);
  const count = Math.round((sustainedPerS * OVERLOAD * LASTS_MS) / 1_000);
  const run = async (title: string, crowd: typeof open, eventId: string) => {
    const buyers = await signInMany(count, secrets);
    return tellStep(title, () => crowd.come(buyers, eventId, sustainedPerS * OVERLOAD));
  };
  const off = await run('Five times as many, without lines', open, without);
  // A process can have only so many connections open.
  await open.close();
  const on = await run('Five times as many, with lines', closed, with_);
  const fallbacks = await closed.metric('admission_fallbacks_total');
  await closed.close();
  report(sustainedPerS, { off, on, fallbacks });
  await runTool('biome', ['format', '--write', REPORT_FILE]);
}

function report(
  sustainedPerS: number,
  { off, on, fallbacks }: { off: readonly Caller[]; on: readonly Caller[]; fallbacks: number },
): void {
  const row = (label: string, value: (callers: readonly Caller[]) => string) => [label, value(off), value(on)];
  const percent = (share: number) => `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 0)} %`;
  const served = (callers: readonly Caller[]) =>
    callers.flatMap(({ servedAtMs = Number.NaN }) => (servedAtMs > 0 ? [servedAtMs] : [])).sort((a, b) => a - b);
  const goodput = (fromMs: number, untilMs: number) => (callers: readonly Caller[]) =>
    number(served(callers).filter((atMs) => atMs >= fromMs && atMs < untilMs).length / ((untilMs - fromMs) / 1_000));
  /** Until 95 % of those who are served at all are served; what follows are the last ones who come back. */
  const goodputUntilLast = (callers: readonly Caller[]) => {
    const all = served(callers);
    return number((all.length * 0.95) / ((all[Math.floor(all.length * 0.95)] ?? Number.NaN) / 1_000));
  };
  const wait = (part: number) => (callers: readonly Caller[]) => {
    const waits = callers.map(({ cameAtMs, servedAtMs = Number.POSITIVE_INFINITY }) => servedAtMs - cameAtMs);
    const ms = waits.sort((a, b) => a - b)[Math.floor(part * waits.length)] ?? Number.NaN;
    return Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'never';
  };
  const overtaken = (at: 'passedAtMs' | 'servedAtMs', laterMs: number) => (callers: readonly Caller[]) =>
    percent(overtakenShare(callers, at, laterMs));
  const answers = (kind: keyof Caller['answers']) => (callers: readonly Caller[]) =>
    (callers.reduce((sum, caller) => sum + caller.answers[kind], 0) / callers.length).toFixed(1);
  const text = [
    '# A sale with five times as many callers as can be served',
    `${machine()}. ${INTRODUCTION}`,
    `Two processes served ${number(sustainedPerS)} bookings per second with a fixed number of requests at a time, so ${number(
      sustainedPerS * OVERLOAD,
    )} callers came per second for ${LASTS_MS / 1_000} s.`,
    table(
      ['', 'without lines', `with ADMISSION_WAITING_MAX=${WAITING_MAX}`],
      [
        row('callers', ({ length }) => number(length)),
        row('served', (callers) => percent(served(callers).length / callers.length)),
        row('bookings per second while callers arrive', goodput(1_000, LASTS_MS)),
        row('bookings per second until 95 % of the served have seats', goodputUntilLast),
        row('time until a seat, p50', wait(0.5)),
        row('time until a seat, p95', wait(0.95)),
        ...([200, 1_200, 3_000] as const).flatMap((laterMs) => [
          row(`let in after somebody who came ${laterMs / 1_000} s later`, overtaken('passedAtMs', laterMs)),
          row(`served after somebody who came ${laterMs / 1_000} s later`, overtaken('servedAtMs', laterMs)),
        ]),
        row('SERVICE_UNAVAILABLE for each caller', answers('unavailable')),
        row('QUEUED for each caller', answers('queued')),
        ['let through because Redis did not answer', '-', number(fallbacks)],
      ],
    ),
  ].join('\n\n');
  writeFileSync(join(root, REPORT_FILE), `${text}\n`);
  console.log(`\n${text}`);
}

const INTRODUCTION = `Made by \`npm run bench:admission\` in one run. Two booking processes sell the seats of one event. Callers speak to
them directly and in turn, as the gateway does. A proxy delays all data between the processes and MariaDB by ${LATENCY_MS} ms in each
direction, so that the database limits the bookings. Callers arrive at random times, whatever the answers to others are, each with
an account of their own. They repeat their call as the typed client does: after SERVICE_UNAVAILABLE when the server says and a random
time that grows, five times in all, and after QUEUED with their place at \`comeBackAt\`, until they have a seat. Without lines, a process
lets 10,000 requests wait for at most 5 s (the defaults of BOOKING_QUEUE_MAX and BOOKING_QUEUE_TIMEOUT_MS). Somebody is let in
when they send the call that is decided, and served when they have the answer. In between they wait in the allocator of their process; the
queues of the two processes differ. Somebody who never gets a seat counts as overtaken.`;

await runScript(() => withDataDir(tmpdir(), compare));
