import { setTimeout as delay } from 'node:timers/promises';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../process/logger.ts';
import { createPoller, type Poller } from '../process/poller.ts';

/** Deletes at most `limit` rows that nobody needs any more, and answers how many. */
export type Prune = (limit: number) => PromiseLike<number>;

const PRUNE_EVERY_MS = 60_000;
/** Small enough that no statement holds its locks for long. */
const BATCH = 1_000;
/** Between batches, for those who wait for an answer. */
const BATCH_PAUSE_MS = 20;

/**
 * The one loop in which a process deletes what its tables do not need any more, away from requests and messages: a batch
 * of each kind in turn, until none has more. One kind that fails holds up no other. Any number of replicas may prune.
 */
export function createPruning({
  prunes,
  logger,
  metrics,
  pruneEveryMs = PRUNE_EVERY_MS,
}: {
  /** By what they delete, in the plural. */
  prunes: Readonly<Record<string, Prune>>;
  logger: Logger;
  metrics: Registry;
  pruneEveryMs?: number;
}): Poller {
  const pruned = new Counter({
    name: 'pruned_rows_total',
    help: 'Rows deleted because their retention is over.',
    labelNames: ['kind'] as const,
    registers: [metrics],
  });
  let stopping = false;

  async function pruneBatch(kind: string, prune: Prune): Promise<boolean> {
    try {
      const count = await prune(BATCH);
      pruned.inc({ kind }, count);
      return count === BATCH;
    } catch (error) {
      logger.warn({ err: error, kind }, 'pruning failed; tried again later');
      return false;
    }
  }

  const poller = createPoller({
    intervalMs: pruneEveryMs,
    async run() {
      let hasMore = false;
      for (const [kind, prune] of Object.entries(prunes)) {
        if (stopping) return false;
        if (await pruneBatch(kind, prune)) hasMore = true;
      }
      if (hasMore) await delay(BATCH_PAUSE_MS);
      return hasMore;
    },
    onError: (error) => logger.error({ err: error }, 'pruning was interrupted; it goes on'),
  });
  return {
    nudge: poller.nudge,
    stop() {
      stopping = true;
      return poller.stop();
    },
  };
}
