import { setTimeout as delay } from 'node:timers/promises';
import { unavailable } from '#platform/errors/errors.ts';
import { isUnavailable } from '#platform/errors/outages.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import type { OutcomeOf, SeatRequest } from '../domain/allocation.ts';
import { type BatchAllocation, HELD } from './allocate-batch.ts';
import {
  BATCH_MAX,
  createHeldEvents,
  PROBE_INTERVAL_MS,
  rejectExpired,
  type Waiting,
} from './allocator-held-events.ts';

/** Decides requests for seats. */
export interface Allocator {
  /**
   * The request's outcome, committed. Requests for one event are decided in the order in which they came.
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

const ATTEMPTS_MAX = 4;
const RETRY_JITTER_MS = 50;

/**
 * Group commit (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984) at the
 * application's level: what arrives while one transaction commits is the next one's batch, on one lane per process.
 * Correctness rests on the database's locks, so any number of processes may run a lane on the same events. The batch
 * waits for no inventory that another transaction holds: requests for such an event wait apart from the others, see
 * createHeldEvents.
 * @param heldLanesMax how many connections, besides the batch's, may wait for held inventories
 */
export function createAllocator({
  allocation,
  queueMax,
  queueTimeoutMs,
  heldLanesMax,
}: {
  allocation: BatchAllocation;
  queueMax: number;
  queueTimeoutMs: number;
  heldLanesMax: number;
}): Allocator {
  let queue: Waiting[] = [];
  let lane: Promise<void> | undefined;
  let clock: NodeJS.Timeout | undefined;
  const held = createHeldEvents({
    allocateHeld: allocation.allocateHeld,
    answer,
    lanesMax: heldLanesMax,
    waitingMax: queueMax,
  });

  /** Lets requests of the same turn of the event loop share the first batch. */
  async function run(): Promise<void> {
    await new Promise(setImmediate);
    for (;;) {
      const probe = held.takeProbe(performance.now());
      await answer([...probe.waiting, ...takeFromQueue(BATCH_MAX - probe.waiting.length)]);
      queue = [...probe.end(), ...queue];
      if (queue.length === 0 && !held.hasNew()) break;
    }
    lane = undefined;
  }

  /** The oldest requests for events that are not known to be held. */
  function takeFromQueue(count: number): Waiting[] {
    const taken: Waiting[] = [];
    let seen = 0;
    for (const waiting of queue) {
      if (taken.length === count) break;
      seen += 1;
      if (!held.join(waiting)) taken.push(waiting);
    }
    queue = queue.slice(seen);
    return rejectExpired(taken);
  }

  /** Answers every request of the batch whose event is free; one that makes the batch fail must not fail its neighbours. */
  async function answer(batch: readonly Waiting[]): Promise<void> {
    let live = [...batch];
    for (let attempt = 1; live.length > 0; attempt += 1) {
      try {
        return settle(live, await allocation.allocateFree(live.map(({ request }) => request)));
      } catch (error) {
        live = rejectExpired(live, error);
        if (attempt < ATTEMPTS_MAX && isWorthRetrying(error)) await delay(Math.random() * RETRY_JITTER_MS);
        else return giveUp(live, error);
      }
    }
  }

  function settle(batch: readonly Waiting[], outcomes: Awaited<ReturnType<BatchAllocation['allocateFree']>>): void {
    const again: Waiting[] = [];
    for (const [index, waiting] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome === HELD) again.push(waiting);
      else waiting.resolve(outcome as never);
    }
    if (again.length > 0) held.putBack(again);
  }

  /** Halves a batch until the request at fault is alone; a database that is away is no request's fault. */
  async function giveUp(batch: readonly Waiting[], error: unknown): Promise<void> {
    if (batch.length <= 1 || (isUnavailable(error) && !isLockTimeout(error))) {
      for (const { reject } of batch) reject(error);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await answer(batch.slice(0, half));
    await answer(batch.slice(half));
  }

  /** Runs while requests wait: refuses those past their time, and probes the events that are held. */
  function tick(): void {
    queue = rejectExpired(queue);
    held.expire();
    if (held.hasUntaken()) lane ??= run();
    if (lane !== undefined || !held.isEmpty()) return;
    clearInterval(clock);
    clock = undefined;
  }

  return {
    submit: (request, { deadlineMs = Number.POSITIVE_INFINITY } = {}) =>
      new Promise((resolve, reject) => {
        if (queue.length >= queueMax) throw unavailable();
        const expiresAtMs = Math.min(performance.now() + queueTimeoutMs, deadlineMs);
        queue.push({ request, expiresAtMs, resolve, reject });
        lane ??= run();
        clock ??= setInterval(tick, PROBE_INTERVAL_MS);
      }),
    async stop() {
      while (lane !== undefined || !held.isEmpty()) await (lane ?? delay(PROBE_INTERVAL_MS));
      clearInterval(clock);
    },
  };
}

const isLockTimeout = (error: unknown) => sqlErrorNumber(error) === SQL_ERROR.lockWaitTimeout;

/**
 * The database was away, or chose the batch as a deadlock's victim; or another process has just used one of its keys,
 * which the retry reads. A connection lost during the commit leaves the outcome unknown: the retry finds its own booking
 * under its key and answers with it; cancelling or setting a capacity twice is the same as once. A lock that the batch
 * waited for in vain would be waited for again: halves find the request that needs it.
 */
const isWorthRetrying = (error: unknown) =>
  (isUnavailable(error) && !isLockTimeout(error)) || sqlErrorNumber(error) === SQL_ERROR.duplicateKey;
