import { setTimeout as delay } from 'node:timers/promises';
import { isUnavailable, SQL_ERROR, sqlErrorNumber } from '#platform/database.ts';
import { unavailable } from '#platform/errors.ts';
import type { OutcomeOf, SeatRequest } from '../domain/allocation.ts';
import type { AllocateBatch } from './allocate-batch.ts';

/** Decides requests for seats. */
export interface Allocator {
  /**
   * The request's outcome, committed. Requests are decided in the order in which they came.
   * @param deadlineMs when the caller stops waiting, on performance.now()'s clock: a request that has not begun by then is
   *   refused, and not booked
   * @throws SERVICE_UNAVAILABLE at once when too many wait, or when this one waited too long to begin
   */
  submit<Request extends SeatRequest>(
    request: Request,
    options?: { deadlineMs?: number | undefined },
  ): Promise<OutcomeOf<Request>>;
  /** Decides what waits, then ends. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly request: SeatRequest;
  readonly expiresAtMs: number;
  resolve(outcome: never): void;
  reject(error: unknown): void;
}

const BATCH_MAX = 256;
const ATTEMPTS_MAX = 4;
const RETRY_JITTER_MS = 50;

/**
 * Group commit (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984) at the
 * application's level: what arrives while one transaction commits is the next one's batch, on one lane per process.
 * Correctness rests on the database's locks, so any number of processes may run a lane on the same events.
 */
export function createAllocator({
  allocateBatch,
  queueMax,
  queueTimeoutMs,
}: {
  allocateBatch: AllocateBatch;
  queueMax: number;
  queueTimeoutMs: number;
}): Allocator {
  let queue: Waiting[] = [];
  let lane: Promise<void> | undefined;

  /** Lets requests of the same turn of the event loop share the first batch. */
  async function run(): Promise<void> {
    await new Promise(setImmediate);
    while (queue.length > 0) {
      const batch = queue.slice(0, BATCH_MAX);
      queue = queue.slice(BATCH_MAX);
      const nowMs = performance.now();
      const live = batch.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      for (const waiting of batch) if (waiting.expiresAtMs <= nowMs) waiting.reject(unavailable());
      if (live.length > 0) await answer(live);
    }
    lane = undefined;
  }

  /** Answers every request of the batch; one that makes the batch fail must not fail its neighbours. */
  async function answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await allocateWithRetry(batch);
      for (const [index, waiting] of batch.entries()) waiting.resolve(outcomes[index] as never);
    } catch (error) {
      if (batch.length === 1 || isUnavailable(error)) for (const waiting of batch) waiting.reject(error);
      else for (const waiting of batch) await answer([waiting]);
    }
  }

  async function allocateWithRetry(batch: readonly Waiting[]) {
    const giveUpAtMs = Math.min(...batch.map(({ expiresAtMs }) => expiresAtMs));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await allocateBatch(batch.map(({ request }) => request));
      } catch (error) {
        const isLast = attempt === ATTEMPTS_MAX || performance.now() > giveUpAtMs;
        if (isLast || !isWorthRetrying(error, batch)) throw error;
        await delay(Math.random() * RETRY_JITTER_MS);
      }
    }
  }

  return {
    submit: (request, { deadlineMs = Number.POSITIVE_INFINITY } = {}) =>
      new Promise((resolve, reject) => {
        if (queue.length >= queueMax) throw unavailable();
        const expiresAtMs = Math.min(performance.now() + queueTimeoutMs, deadlineMs);
        queue.push({ request, expiresAtMs, resolve, reject });
        lane ??= run();
      }),
    stop: async () => lane,
  };
}

/**
 * The database was away, or chose the batch as a deadlock's victim; or, for a request alone, another process has just
 * used its key, which the retry reads. A connection lost during the commit leaves the outcome unknown: the retry
 * finds its own booking under its key and answers with it; cancelling or setting a capacity twice is the same as once.
 */
const isWorthRetrying = (error: unknown, batch: readonly unknown[]) =>
  isUnavailable(error) || (batch.length === 1 && sqlErrorNumber(error) === SQL_ERROR.duplicateKey);
