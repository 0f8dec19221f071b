import { sqltag as sql } from '@prisma/client/runtime/client';
import { Gauge, type Registry } from 'prom-client';
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
  metrics,
  lookEveryMs = LOOK_EVERY_MS,
}: {
  database: SqlExecutor;
  settings: OutboxBounds;
  bounds: Bounds;
  logger: Logger;
  metrics: Registry;
  lookEveryMs?: number;
}) {
  let isFull = false;
  const waiting = new Gauge({
    name: 'outbox_waiting_messages',
    help: 'Messages in the outbox that are not published. It is not counted above the bound of the outbox.',
    registers: [metrics],
  });
  const limit = new Gauge({
    name: 'outbox_limit_messages',
    help: 'The number of unpublished messages at which changes are refused.',
    registers: [metrics],
  });
  limit.set(rowsMax);
  const age = new Gauge({
    name: 'outbox_oldest_waiting_seconds',
    help: 'Age of the oldest message that waits to be published.',
    registers: [metrics],
  });

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
      const ageS = Math.max(0, Number(oldest?.seconds ?? 0));
      waiting.set(rows);
      age.set(ageS);
      bounds.observe('outbox rows', rows, rowsMax);
      bounds.observe('outbox age', ageS, secondsMax);
      if (isFull !== rows >= rowsMax) {
        isFull = !isFull;
        if (isFull) logger.warn({ rows }, 'the outbox is full; changes are refused');
        else logger.info({ rows }, 'the outbox has room again');
      }
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
