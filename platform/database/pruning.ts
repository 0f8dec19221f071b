import { setTimeout as delay } from 'node:timers/promises';
import { sqltag as sql } from '@prisma/client/runtime/client';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../process/logger.ts';
import { createPoller } from '../process/poller.ts';
import type { SqlExecutor } from './database.ts';

/** Deletes at most `limit` rows whose retention is over, and returns their number. */
export type Prune = (limit: number) => PromiseLike<number>;

const PRUNE_EVERY_MS = 60_000;
/** Small enough that no statement holds its locks for long. */
const BATCH = 1_000;
/** The pause between batches, so that requests get their share of the database. */
const BATCH_PAUSE_MS = 20;

/**
 * Starts the background loop in which a process deletes rows whose retention is over. It deletes a batch of each kind
 * in turn until no kind has more. A kind that fails does not delay the others. Any number of replicas may prune.
 */
export function createPruning({
  prunes,
  logger,
  metrics,
  pruneEveryMs = PRUNE_EVERY_MS,
}: {
  /** The keys name the deleted rows, in the plural. */
  prunes: Readonly<Record<string, Prune>>;
  logger: Logger;
  metrics: Registry;
  pruneEveryMs?: number;
}) {
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
      logger.warn({ err: error, kind }, 'pruning failed; it will be retried');
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
    onError: (error) => logger.error({ err: error }, 'pruning was interrupted; it will be retried'),
  });
  return {
    stop(): Promise<void> {
      stopping = true;
      return poller.stop();
    },
  };
}

/** Deletes idempotency keys that are older than `ttlS` seconds by the database's clock. */
export const pruneIdempotencyKeys =
  (database: SqlExecutor, ttlS: number): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM idempotency_keys
      WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL ${ttlS} SECOND LIMIT ${limit}`);
