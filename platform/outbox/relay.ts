import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { Counter, Gauge, type Registry } from 'prom-client';
import { type SqlClient, TRANSACTION_LIMITS } from '../database.ts';
import type { Logger } from '../logger.ts';
import type { Broker, StreamDefinition } from '../messaging/broker.ts';
import { createWorker } from '../worker.ts';

/** Publishes what the outbox holds. */
export interface Relay {
  /** Says that a commit added messages, so that they leave now rather than at the next poll. */
  nudge(): void;
  /** False while the last attempt failed. */
  isHealthy(): boolean;
  /** Publishes once more what is there, then ends. */
  stop(): Promise<void>;
}

const BATCH_MAX = 256;
const POLL_MS = 500;
/** Under load, messages leave together: fewer transactions for a delay that nobody notices. */
const PAUSE_MS = 10;
const PUBLISH_TIMEOUT_MS = 3_000;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_BATCH = 5_000;
const KEEP_HOURS = 24;

/**
 * Any number of relays may run on one outbox: each takes rows that no other holds, publishes them with the row's id
 * as the broker's message id, and marks them published in the same transaction. A crash between publishing and
 * commit publishes again; the broker's duplicate window or the consumer's inbox drops it.
 */
export function createRelay({
  database,
  broker,
  stream,
  logger,
  metrics,
}: {
  database: SqlClient;
  broker: Broker;
  stream: StreamDefinition;
  logger: Logger;
  metrics: Registry;
}): Relay {
  const published = new Counter({
    name: 'outbox_published_total',
    help: 'Messages that the broker has acknowledged.',
    registers: [metrics],
  });
  const failing = new Gauge({
    name: 'outbox_relay_failing',
    help: '1 while the last attempt to relay failed.',
    registers: [metrics],
  });
  let streamEnsured = false;
  let healthy = true;
  let pruneAtMs = 0;

  const worker = createWorker({
    intervalMs: POLL_MS,
    pauseMs: PAUSE_MS,
    async run() {
      if (!broker.isConnected()) {
        setHealthy(false);
        return false;
      }
      const taken = await relayBatch();
      if (Date.now() >= pruneAtMs && (await prune()) < PRUNE_BATCH) pruneAtMs = Date.now() + PRUNE_EVERY_MS;
      setHealthy(true);
      return taken === BATCH_MAX;
    },
    onError(error) {
      if (healthy) logger.warn({ err: error }, 'the relay cannot publish; the outbox keeps the messages');
      setHealthy(false);
    },
  });

  function setHealthy(value: boolean): void {
    healthy = value;
    failing.set(value ? 0 : 1);
  }

  async function relayBatch(): Promise<number> {
    if (!streamEnsured) await broker.ensureStream(stream);
    streamEnsured = true;
    const { client } = await broker.jetStream();
    return database.$transaction(async (transaction) => {
      const rows = await transaction.$queryRaw<{ id: string; subject: string; payload: string }[]>(sql`
        SELECT id, subject, payload FROM outbox WHERE published_at IS NULL
        ORDER BY id LIMIT ${BATCH_MAX} FOR UPDATE SKIP LOCKED`);
      if (rows.length === 0) return 0;
      const acknowledgements = await Promise.allSettled(
        rows.map(({ id, subject, payload }) =>
          client.publish(broker.subject(subject), payload, { msgID: id, timeout: PUBLISH_TIMEOUT_MS }),
        ),
      );
      const sent = rows.filter((_, index) => acknowledgements[index]?.status === 'fulfilled').map(({ id }) => id);
      const refused = acknowledgements.find((outcome) => outcome.status === 'rejected');
      if (sent.length === 0) {
        streamEnsured = false;
        throw refused?.reason;
      }
      if (refused !== undefined) logger.error({ err: refused.reason }, 'some messages were not published; they stay');
      await transaction.$executeRaw(
        sql`UPDATE outbox SET published_at = CURRENT_TIMESTAMP(3) WHERE id IN (${join(sent)})`,
      );
      published.inc(sent.length);
      return rows.length;
    }, TRANSACTION_LIMITS);
  }

  const prune = () =>
    database.$executeRaw(sql`
      DELETE FROM outbox WHERE published_at < CURRENT_TIMESTAMP(3) - INTERVAL ${KEEP_HOURS} HOUR LIMIT ${PRUNE_BATCH}`);

  return { nudge: worker.nudge, isHealthy: () => healthy, stop: worker.stop };
}
