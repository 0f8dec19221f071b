import { type Pids, readCpuMs } from './cpu.ts';
import { type Measurement, measure, type Result } from './load.ts';

const WARM_UP_MS = 500;
/** Until the compilers of a process have done their work. */
const COMPILE_MS = 4_000;

/** Something to measure. */
export interface Run {
  ask(): Promise<Result>;
  /** Waits until the work that the requests caused elsewhere is done, so that it is counted, and counted here. */
  settle?(): Promise<void>;
}

/** One measurement, with the processor time of each process for one operation, in ms. */
export interface Sample extends Measurement {
  readonly cpuMs: Readonly<Record<string, number>>;
}

/** BENCH_ROUNDS and BENCH_DURATION_MS, or these defaults. */
export const readSchedule = (defaults: { rounds: number; durationMs: number }) => ({
  rounds: Number(process.env.BENCH_ROUNDS ?? defaults.rounds),
  durationMs: Number(process.env.BENCH_DURATION_MS ?? defaults.durationMs),
});

/** Asks for a while and measures nothing. */
export async function warmUp({ ask, settle }: Run, concurrency: number, durationMs = COMPILE_MS): Promise<void> {
  await measure(ask, { concurrency, warmUpMs: durationMs, durationMs: 0 });
  await settle?.();
}

/** Measures a run after a short warm-up. */
export async function takeSample(
  run: Run,
  { concurrency, durationMs, pids }: { concurrency: number; durationMs: number; pids: Pids },
): Promise<Sample> {
  await warmUp(run, concurrency, WARM_UP_MS);
  let answered = 0;
  const ask = async () => {
    const result = await run.ask();
    answered += 1;
    return result;
  };
  const before = readCpuMs(pids);
  const measurement = await measure(ask, { concurrency, warmUpMs: 0, durationMs });
  await run.settle?.();
  const after = Object.entries(readCpuMs(pids));
  const cpuMs = Object.fromEntries(after.map(([name, totalMs]) => [name, (totalMs - (before[name] ?? 0)) / answered]));
  return { ...measurement, cpuMs };
}

/** The samples of several rounds as one: medians, and the sums of what was refused or failed. */
export function summarize(samples: readonly Sample[]): Sample {
  const medianOf = (value: (one: Sample) => number) => median(samples.map(value));
  const sumOf = (value: (one: Sample) => number) => samples.reduce((sum, one) => sum + value(one), 0);
  const names = Object.keys(samples[0]?.cpuMs ?? {});
  return {
    throughput: medianOf(({ throughput }) => throughput),
    p50Ms: medianOf(({ p50Ms }) => p50Ms),
    p99Ms: medianOf(({ p99Ms }) => p99Ms),
    confirmed: sumOf(({ confirmed }) => confirmed),
    refused: sumOf(({ refused }) => refused),
    failed: sumOf(({ failed }) => failed),
    cpuMs: Object.fromEntries(names.map((name) => [name, medianOf(({ cpuMs }) => cpuMs[name] ?? 0)])),
  };
}

/** How many times the throughput of others: the median of the ratios in each round. */
export const ratioOver = (base: readonly Sample[], samples: readonly Sample[]): number =>
  median(samples.map(({ throughput }, round) => throughput / (base[round]?.throughput ?? Number.NaN)));

/** The middle value; of an even number of values the upper one of the two in the middle. */
const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
