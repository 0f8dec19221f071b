/** The outcome of one request. */
export type Result = 'confirmed' | 'refused' | 'failed';

export interface Measurement {
  /** Confirmed requests per second. */
  throughput: number;
  p50Ms: number;
  p99Ms: number;
  confirmed: number;
  refused: number;
  failed: number;
}

/**
 * Measures in a closed loop: each of `concurrency` callers sends its next request when it has the answer to the last
 * one. Answers during the warm-up or after the end are not counted. The latencies are those of confirmed requests.
 */
export async function measure(
  ask: () => Promise<Result>,
  { concurrency, warmUpMs, durationMs }: { concurrency: number; warmUpMs: number; durationMs: number },
): Promise<Measurement> {
  const counts = { confirmed: 0, refused: 0, failed: 0 };
  const latencies: number[] = [];
  const beginMs = performance.now() + warmUpMs;
  const endMs = beginMs + durationMs;

  async function caller(): Promise<void> {
    for (let sentMs = performance.now(); sentMs < endMs; sentMs = performance.now()) {
      const result = await ask();
      const answeredMs = performance.now();
      if (answeredMs < beginMs || answeredMs >= endMs) continue;
      counts[result] += 1;
      if (result === 'confirmed') latencies.push(answeredMs - sentMs);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller));

  latencies.sort((one, other) => one - other);
  const percentile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return {
    throughput: counts.confirmed / (durationMs / 1_000),
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    ...counts,
  };
}
