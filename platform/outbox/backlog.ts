import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '../database/database.ts';
import { unavailable } from '../errors/errors.ts';
import type { Bounds } from '../process/bounds.ts';
import type { Logger } from '../process/logger.ts';
import { createPoller } from '../process/poller.ts';

/** How much the outbox may hold that is not published yet. */
export interface OutboxBounds {
  readonly OUTBOX_WAITING_ROWS_MAX: number;
  /** Only warned of: a message that waits for longer is not lost, it is late. */
  readonly OUTBOX_WAITING_SECONDS_MAX: number;
}

/** Watches what waits in the outbox. */
export interface Backlog {
  /** To be called before a change whose message the outbox has to keep. @throws SERVICE_UNAVAILABLE while it is full */
  requireRoom(): void;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 10_000;

/**
 * Counts what waits in the outbox and for how long. The count ends at the bound, so that it costs no more than that.
 * While the database does not answer, the last look counts.
 */
export function createBacklog({
  database,
  settings: { OUTBOX_WAITING_ROWS_MAX: rowsMax, OUTBOX_WAITING_SECONDS_MAX: secondsMax },
  bounds,
  logger,
  lookEveryMs = LOOK_EVERY_MS,
}: {
  database: SqlExecutor;
  settings: OutboxBounds;
  bounds: Bounds;
  logger: Logger;
  lookEveryMs?: number;
}): Backlog {
  let isFull = false;

  const poller = createPoller({
    intervalMs: lookEveryMs,
    async run() {
      const [counted] = await database.$queryRaw<{ waiting: bigint }[]>(sql`
        SELECT COUNT(*) AS waiting
        FROM (SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT ${rowsMax}) AS unpublished`);
      // Ids are UUIDv7: the lowest one is the oldest message, and the index finds it.
      const [oldest] = await database.$queryRaw<{ seconds: bigint }[]>(sql`
        SELECT TIMESTAMPDIFF(SECOND, created_at, CURRENT_TIMESTAMP(3)) AS seconds
        FROM outbox WHERE published_at IS NULL AND refused_at IS NULL ORDER BY id LIMIT 1`);
      const rows = Number(counted?.waiting ?? 0);
      bounds.observe('outbox rows', rows, rowsMax);
      bounds.observe('outbox age', Math.max(0, Number(oldest?.seconds ?? 0)), secondsMax);
      isFull = rows >= rowsMax;
      return false;
    },
    onError: (error) => logger.warn({ err: error }, 'the outbox could not be looked at; tried again'),
  });

  return {
    requireRoom() {
      if (isFull) throw unavailable();
    },
    stop: poller.stop,
  };
}
