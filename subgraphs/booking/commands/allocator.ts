import { setTimeout as delay } from 'node:timers/promises';
import { unavailable } from '#platform/errors/errors.ts';
import { isUnavailable } from '#platform/errors/outages.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import type { OutageLog } from '#platform/process/outage-log.ts';
import type { OutcomeOf, SeatRequest } from '../domain/seat-requests.ts';
import { type BatchAllocation, HELD } from './allocate-batch.ts';
import {
  BATCH_MAX,
  createHeldEvents,
  PROBE_INTERVAL_MS,
  rejectExpired,
  type Waiting,
} from './allocator-held-events.ts';

export interface Allocator {
  /**
   * Returns the committed outcome. Requests for the same event are decided in order of arrival.
   * @param deadlineMs when the caller stops waiting, on the clock of performance.now(). A request that has not begun by
   *   then is refused and not booked.
   * @throws SERVICE_UNAVAILABLE at once when the queue is full, or later when the request expires before it begins
   */
  submit<Request extends SeatRequest>(
    request: Request,
    options?: { deadlineMs?: number | undefined },
  ): Promise<OutcomeOf<Request>>;
  /** Decides all waiting requests, then ends. */
  stop(): Promise<void>;
}

const ATTEMPTS_MAX = 4;
/** A conflict always lets one transaction win, so more attempts help. Expired requests leave the batch in between. */
const CONFLICT_ATTEMPTS_MAX = 20;
const RETRY_JITTER_MS = 50;

/**
 * Group commit (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984) in the
 * application: requests that arrive during one transaction form the next batch. Each process decides one batch at a
 * time. Correctness relies on the database's locks, so any number of processes may book the same events. The batch does
 * not wait for inventories that another transaction has locked. Requests for such events wait separately, see
 * createHeldEvents.
 * @param heldLanesMax the maximum number of connections, besides the batch's, that wait for locked inventories
 * @param roomLog is told of each request whether there was room for it
 */
export function createAllocator({
  allocation,
  queueMax,
  queueTimeoutMs,
  heldLanesMax,
  roomLog,
}: {
  allocation: BatchAllocation;
  queueMax: number;
  queueTimeoutMs: number;
  heldLanesMax: number;
  roomLog?: OutageLog;
}): Allocator {
  let queue: Waiting[] = [];
  let lane: Promise<void> | undefined;
  let clock: NodeJS.Timeout | undefined;
  const held = createHeldEvents({
    allocateHeld: allocation.allocateHeld,
    answer,
    lanesMax: heldLanesMax,
    waitingMax: queueMax,
    onFull: () => roomLog?.failed({ queueMax }),
  });

  /** Decides batches until the queue is empty. Requests of the same event loop turn share the first batch. */
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

  /** Takes the oldest requests from the queue. Requests for events known as held join the held events instead. */
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

  /** Answers each request of the batch whose event is not held. A faulty request does not fail the others. */
  async function answer(batch: readonly Waiting[]): Promise<void> {
    let live = [...batch];
    for (let attempt = 1; live.length > 0; attempt += 1) {
      try {
        return settle(live, await allocation.allocateFree(live.map(({ request }) => request)));
      } catch (error) {
        live = rejectExpired(live, error);
        const attemptsMax = isConflict(error) ? CONFLICT_ATTEMPTS_MAX : ATTEMPTS_MAX;
        if (attempt < attemptsMax && isWorthRetrying(error)) await delay(Math.random() * RETRY_JITTER_MS);
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

  /** Halves a batch until the faulty request is alone. If the database is unavailable, all requests are refused. */
  async function giveUp(batch: readonly Waiting[], error: unknown): Promise<void> {
    if (batch.length <= 1 || (isUnavailable(error) && !isLockTimeout(error))) {
      for (const { reject } of batch) reject(error);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await answer(batch.slice(0, half));
    await answer(batch.slice(half));
  }

  /** Runs periodically while requests wait. Refuses expired requests and probes held events. */
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
        if (queue.length >= queueMax) {
          roomLog?.failed({ queueMax });
          throw unavailable();
        }
        roomLog?.succeeded();
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

/** In a Galera cluster the loser of two commits on different nodes gets this error too. */
const isConflict = (error: unknown) =>
  [SQL_ERROR.deadlock, SQL_ERROR.transactionEnded].some((number) => number === sqlErrorNumber(error));
const isLockTimeout = (error: unknown) => sqlErrorNumber(error) === SQL_ERROR.lockWaitTimeout;

/**
 * True after an outage, a deadlock, or a duplicate key.
 * - Duplicate key: another process has just used one of the batch's keys. The retry reads that key's booking.
 * - Connection lost during the commit: the outcome is unknown. If it was committed, the retry finds its own booking by
 *   its key and returns it. Repeating a cancellation or a capacity change has no further effect.
 * - Lock time-out: not retried, because the batch would wait again. Halving finds the request that needs the lock.
 */
const isWorthRetrying = (error: unknown) =>
  (isUnavailable(error) && !isLockTimeout(error)) || sqlErrorNumber(error) === SQL_ERROR.duplicateKey;
