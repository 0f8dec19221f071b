import type { Booking } from './run.ts';

export const OUTCOMES = ['confirmed', 'refused', 'failed'] as const;
export const PERCENTILES = [50, 75, 90, 95, 99, 99.9, 100] as const;
/** A chart has at most this many intervals. */
const INTERVALS_MAX = 60;
const INTERVALS_S = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800];

/** Latencies in ms from the intended send time, by percentile. */
export type Latencies = Readonly<Record<string, number>>;

/** The answers of one interval. */
export interface Interval {
  readonly fromS: number;
  readonly confirmed: number;
  readonly refused: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Summary {
  /** From the beginning until the last answer. */
  readonly durationS: number;
  readonly bookings: number;
  readonly confirmed: number;
  readonly refused: number;
  readonly failed: number;
  readonly confirmedPerS: number;
  readonly refusedPerS: number;
  readonly failedPercent: number;
  /** The numbers of refusals and failures by their codes. */
  readonly codes: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly all: Latencies } & Readonly<Partial<Record<Booking['outcome'], Latencies>>>;
  readonly intervalS: number;
  readonly intervals: readonly Interval[];
}

/** Returns the value below or at which `percent` of the sorted values are (nearest rank); NaN without values. */
export const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;

const sortedLatencies = (bookings: readonly Booking[]): number[] =>
  bookings.map(({ dueMs, answeredMs }) => answeredMs - dueMs).sort((one, other) => one - other);

export const p99Ms = (bookings: readonly Booking[]): number => percentile(sortedLatencies(bookings), 99);

export const countOf = (bookings: readonly Booking[], outcome: Booking['outcome']): number =>
  bookings.filter((booking) => booking.outcome === outcome).length;

const countAll = (bookings: readonly Booking[]) => ({
  confirmed: countOf(bookings, 'confirmed'),
  refused: countOf(bookings, 'refused'),
  failed: countOf(bookings, 'failed'),
});

/** Summarizes a load. */
export function summarize(bookings: readonly Booking[]): Summary {
  // A spread of so many arguments would overflow the stack.
  const durationS = bookings.reduce((lastMs, { answeredMs }) => Math.max(lastMs, answeredMs), 0) / 1_000;
  const counts = countAll(bookings);
  const codes = Map.groupBy(bookings, ({ code }) => code);
  codes.delete(undefined);
  const intervalS = INTERVALS_S.find((candidateS) => durationS / candidateS <= INTERVALS_MAX) ?? durationS;
  const latenciesOf = (some: readonly Booking[]): Latencies => {
    const sorted = sortedLatencies(some);
    return Object.fromEntries(PERCENTILES.map((percent) => [`p${percent}`, percentile(sorted, percent)]));
  };
  const outcomes = OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => [
    outcome,
    latenciesOf(bookings.filter((booking) => booking.outcome === outcome)),
  ]);
  return {
    durationS,
    bookings: bookings.length,
    ...counts,
    confirmedPerS: counts.confirmed / durationS,
    refusedPerS: counts.refused / durationS,
    failedPercent: (100 * counts.failed) / bookings.length,
    codes: Object.fromEntries([...codes].map(([code, some]) => [code, some.length])),
    latencyMs: { all: latenciesOf(bookings), ...Object.fromEntries(outcomes) },
    intervalS,
    intervals: intervalsOf(bookings, { durationS, intervalS }),
  };
}

function intervalsOf(
  bookings: readonly Booking[],
  { durationS, intervalS }: { durationS: number; intervalS: number },
): Interval[] {
  const indexOf = ({ answeredMs }: Booking) => Math.floor(answeredMs / 1_000 / intervalS);
  const byInterval = Map.groupBy(bookings, indexOf);
  return Array.from({ length: Math.floor(durationS / intervalS) + 1 }, (_, index) => {
    const some = byInterval.get(index) ?? [];
    const sorted = sortedLatencies(some);
    const latencies = { p50Ms: percentile(sorted, 50), p99Ms: percentile(sorted, 99) };
    return { fromS: index * intervalS, ...countAll(some), ...latencies };
  });
}

export interface Thresholds {
  readonly maxP99Ms?: number | undefined;
  readonly minConfirmedPerS?: number | undefined;
  readonly maxFailedPercent?: number | undefined;
}

/** Returns the thresholds that a load did not keep, in words. */
export function missedThresholds(
  { latencyMs, confirmedPerS, failedPercent }: Summary,
  { maxP99Ms = Number.POSITIVE_INFINITY, minConfirmedPerS = 0, maxFailedPercent = 100 }: Thresholds,
): string[] {
  const { p99 = Number.NaN } = latencyMs.all;
  return [
    ...(p99 <= maxP99Ms ? [] : [`The p99 is ${p99.toFixed(1)} ms, over ${maxP99Ms} ms.`]),
    ...(confirmedPerS >= minConfirmedPerS
      ? []
      : [`${confirmedPerS.toFixed(1)} bookings per second were confirmed, under ${minConfirmedPerS}.`]),
    ...(failedPercent <= maxFailedPercent
      ? []
      : [`${failedPercent.toFixed(2)} % of the bookings failed, over ${maxFailedPercent} %.`]),
  ];
}
