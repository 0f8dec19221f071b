import { type Pids, readCpuMs } from './cpu.ts';
import { type Measurement, measure, type Result } from './load.ts';

const WARM_UP_MS = 500;
/** In this time V8 compiles the hot code of a process. */
const COMPILE_MS = 4_000;

/** Something to measure. */
export interface Run {
  ask(): Promise<Result>;
  /** Waits for the work that the requests started in other processes, so that this run includes its processor time. */
  settle?(): Promise<void>;
}

/** One measurement, with the processor time of each process for one operation, in ms. */
export interface Sample extends Measurement {
  readonly cpuMs: Readonly<Record<string, number>>;
}

/** Returns BENCH_ROUNDS and BENCH_DURATION_MS, or the defaults. */
export const readSchedule = (defaults: { rounds: number; durationMs: number }) => ({
  rounds: Number(process.env.BENCH_ROUNDS ?? defaults.rounds),
  durationMs: Number(process.env.BENCH_DURATION_MS ?? defaults.durationMs),
});

/** Sends requests without measuring them. */
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

/** Combines the samples of several rounds: medians, and the sums of refused and failed requests. */
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

/** Returns the median over all rounds of the ratio between the two throughputs. */
export const ratioOver = (base: readonly Sample[], samples: readonly Sample[]): number =>
  median(samples.map(({ throughput }, round) => throughput / (base[round]?.throughput ?? Number.NaN)));

/** Returns the middle value, or the upper one of the two middle values. */
const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
