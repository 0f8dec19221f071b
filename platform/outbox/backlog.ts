import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '../database/database.ts';
import { unavailable } from '../errors/errors.ts';
import type { Bounds } from '../process/bounds.ts';
import type { OutboxBounds } from '../process/config.ts';
import type { Logger } from '../process/logger.ts';
import { createPoller } from '../process/poller.ts';

const LOOK_EVERY_MS = 10_000;

/**
 * Starts to measure the number and the age of the unpublished messages at intervals. Counting stops at the bound, which
 * limits its cost. While the database does not answer, the last result stays valid.
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
}) {
  let isFull = false;

  const poller = createPoller({
    intervalMs: lookEveryMs,
    async run() {
      const [counted] = await database.$queryRaw<{ waiting: bigint }[]>(sql`
        SELECT COUNT(*) AS waiting
        FROM (SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT ${rowsMax}) AS unpublished`);
      // Ids are UUIDv7, so the lowest id is the oldest message. The index finds it.
      const [oldest] = await database.$queryRaw<{ seconds: bigint }[]>(sql`
        SELECT TIMESTAMPDIFF(SECOND, created_at, CURRENT_TIMESTAMP(3)) AS seconds
        FROM outbox WHERE published_at IS NULL AND refused_at IS NULL ORDER BY id LIMIT 1`);
      const rows = Number(counted?.waiting ?? 0);
      bounds.observe('outbox rows', rows, rowsMax);
      bounds.observe('outbox age', Math.max(0, Number(oldest?.seconds ?? 0)), secondsMax);
      isFull = rows >= rowsMax;
      return false;
    },
    onError: (error) =>
      logger.warn({ err: error }, 'the unpublished messages of the outbox could not be counted; it will be retried'),
  });

  return {
    /** To be called before a change that writes to the outbox. @throws SERVICE_UNAVAILABLE while the outbox is full */
    requireRoom(): void {
      if (isFull) throw unavailable();
    },
    stop: poller.stop,
  };
}
