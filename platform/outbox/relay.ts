import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { ErrorCode, headers, type JetStreamClient, type JetStreamPublishOptions, NatsError, type PubAck } from 'nats';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { SqlClient, SqlExecutor } from '../database/database.ts';
import { isUnavailable } from '../errors/outages.ts';
import type { Broker, StreamDefinition } from '../messaging/broker.ts';
import { TRACEPARENT_HEADER } from '../messaging/message.ts';
import type { Logger } from '../process/logger.ts';
import { createPoller } from '../process/poller.ts';
import { inSpan, SpanKind } from '../process/tracing.ts';

const BATCH_MAX = 256;
const POLL_MS = 500;
/**
 * Under load this pause collects messages into larger batches. That means fewer transactions at the cost of a short
 * delay.
 */
const PAUSE_MS = 25;
const PUBLISH_TIMEOUT_MS = 3_000;
/** A relay checks again that the stream has room after this time, or after it has published this many bytes. */
const LOOK_AGAIN_MS = 1_000;
const LOOK_AGAIN_BYTES = 2 ** 20;
const RETRY_REFUSED_EVERY_MS = 60_000;
const REFUSED_RETRY_S = 60;
/**
 * After each failure the pause doubles, up to this. Commits do not shorten it, so that a full stream is not asked for
 * each.
 */
const FAILURE_PAUSE_MS_MAX = 10_000;
/** The same limit while the broker or the database is unavailable, such as during the election of a stream's leader. */
const OUTAGE_PAUSE_MS_MAX = 1_000;
/** A pause varies by this fraction, so that relays do not retry at the same time. */
const PAUSE_JITTER = 0.2;

interface OutboxRow {
  readonly id: string;
  readonly subject: string;
  readonly payload: string;
}

/** Inside of a JSON string, the quotes would be escaped. */
const ENVELOPE_TRACE = /"traceparent":"([\da-f-]{55})"/;

export type Relay = ReturnType<typeof createRelay>;

/**
 * Starts a relay, which publishes the messages of an outbox. Any number of relays may run on one outbox: each locks
 * rows that no other relay has locked, publishes them with the row's id as the broker's message id, and marks them as
 * published in the same transaction. After a crash between publishing and commit the messages are published again; the
 * broker's duplicate window or the consumer's inbox drops the duplicates. A message that the broker refuses is set
 * aside, so that it does not delay others, and retried a minute later. After other failures, such as a full stream, the
 * relay pauses longer each time.
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
}) {
  const published = new Counter({
    name: 'outbox_published_total',
    help: 'Messages that the broker has acknowledged.',
    registers: [metrics],
  });
  const refused = new Counter({
    name: 'outbox_refused_total',
    help: 'Messages that the broker refused; each refusal is logged as an error and retried a minute later.',
    registers: [metrics],
  });
  const failing = new Gauge({
    name: 'outbox_relay_failing',
    help: '1 while the last attempt to relay failed.',
    registers: [metrics],
  });
  let roomKnownUntilMs = 0;
  let bytesSinceLook = 0;
  let healthy = true;
  let retryRefusedAtMs = 0;
  let failures = 0;
  let pausedUntilMs = 0;

  const poller = createPoller({
    intervalMs: POLL_MS,
    pauseMs: PAUSE_MS,
    async run() {
      if (!broker.isConnected()) {
        setHealthy(false);
        // A new connection ends the pause.
        pausedUntilMs = 0;
        return false;
      }
      if (performance.now() < pausedUntilMs) return false;
      const taken = await relayBatch();
      if (Date.now() >= retryRefusedAtMs) {
        await retryRefused();
        retryRefusedAtMs = Date.now() + RETRY_REFUSED_EVERY_MS;
      }
      failures = 0;
      setHealthy(true);
      return taken === BATCH_MAX;
    },
    onError(error) {
      // The message of such an error can be only a number. The description is readable, such as "maximum bytes
      // exceeded".
      const reason = error instanceof NatsError ? error.api_error?.description : undefined;
      if (healthy) logger.warn({ err: error, reason }, 'the relay cannot publish; the outbox keeps the messages');
      setHealthy(false);
      const maxMs = isUnavailable(error) ? OUTAGE_PAUSE_MS_MAX : FAILURE_PAUSE_MS_MAX;
      const pauseMs = Math.min(POLL_MS * 2 ** failures, maxMs);
      failures += 1;
      pausedUntilMs = performance.now() + pauseMs * (1 - PAUSE_JITTER + 2 * PAUSE_JITTER * Math.random());
    },
  });

  function setHealthy(value: boolean): void {
    healthy = value;
    failing.set(value ? 0 : 1);
  }

  /** Publishes a message. The trace that its envelope names goes on in its headers. */
  function publish(client: JetStreamClient, { id, subject, payload }: OutboxRow): Promise<PubAck> {
    const send = (options: Partial<JetStreamPublishOptions>) =>
      client.publish(broker.subject(subject), payload, { ...options, msgID: id, timeout: PUBLISH_TIMEOUT_MS });
    const [, parent] = ENVELOPE_TRACE.exec(payload) ?? [];
    if (parent === undefined) return send({});
    return inSpan(`publish ${subject}`, parent, { kind: SpanKind.PRODUCER }, ({ traceparent = parent }) => {
      const traced = headers();
      traced.set(TRACEPARENT_HEADER, traceparent);
      return send({ headers: traced });
    });
  }

  /**
   * Publishes the oldest messages and returns how many rows it processed.
   * @throws when the broker did not answer for at least one message; the answered ones are marked before
   */
  async function relayBatch(): Promise<number> {
    if (performance.now() >= roomKnownUntilMs || bytesSinceLook >= LOOK_AGAIN_BYTES) {
      await broker.requireRoom(stream);
      roomKnownUntilMs = performance.now() + LOOK_AGAIN_MS;
      bytesSinceLook = 0;
    }
    const { client } = await broker.jetStream();
    const { taken, failure } = await database.$transaction(async (transaction) => {
      const rows = await transaction.$queryRaw<OutboxRow[]>(sql`
        SELECT id, subject, payload FROM outbox WHERE published_at IS NULL AND refused_at IS NULL
        ORDER BY id LIMIT ${BATCH_MAX} FOR UPDATE SKIP LOCKED`);
      const answers = await Promise.allSettled(rows.map((row) => publish(client, row)));
      const outcomes = rows.map((row, index) => ({ ...row, error: errorOf(answers[index]) }));
      const sent = outcomes.filter(({ error }) => error === undefined);
      const rejected = outcomes.filter(({ error }) => isRefusal(error));
      await mark(transaction, sql`published_at`, sent);
      await mark(transaction, sql`refused_at`, rejected);
      for (const { id, subject, error } of rejected) {
        logger.error(
          { err: error, messageId: id, subject },
          'the broker refused a message; it is set aside and retried later',
        );
      }
      published.inc(sent.length);
      bytesSinceLook += sent.reduce((sum, { payload }) => sum + payload.length, 0);
      refused.inc(rejected.length);
      return { taken: rows.length, failure: outcomes.find(({ error }) => error !== undefined && !isRefusal(error)) };
    });
    if (failure === undefined) return taken;
    roomKnownUntilMs = 0;
    throw failure.error;
  }

  /** Makes messages that were refused more than REFUSED_RETRY_S ago ready to be published again. */
  async function retryRefused(): Promise<void> {
    await database.$executeRaw(sql`
      UPDATE outbox SET refused_at = NULL
      WHERE published_at IS NULL AND refused_at < CURRENT_TIMESTAMP(3) - INTERVAL ${REFUSED_RETRY_S} SECOND
      LIMIT ${BATCH_MAX}`);
  }

  return {
    /** To be called after a commit with new messages, so that they are published now and not at the next poll. */
    nudge: poller.nudge,
    /** False while the last attempt failed. */
    isHealthy: () => healthy,
    /** Publishes once more, then ends. */
    stop: poller.stop,
  };
}

async function mark(transaction: SqlExecutor, column: Sql, rows: readonly { id: string }[]): Promise<void> {
  if (rows.length === 0) return;
  const ids = join(rows.map(({ id }) => id));
  await transaction.$executeRaw(sql`UPDATE outbox SET ${column} = CURRENT_TIMESTAMP(3) WHERE id IN (${ids})`);
}

const errorOf = (answer: PromiseSettledResult<unknown> | undefined): unknown =>
  answer?.status === 'rejected' ? answer.reason : undefined;

const REFUSALS: ReadonlySet<string> = new Set([
  ErrorCode.MaxPayloadExceeded,
  ErrorCode.BadSubject,
  ErrorCode.PermissionsViolation,
]);
/** JetStream's code for an invalid message. For problems of the stream or the server it answers 5xx. */
const BAD_REQUEST = 400;

/** True when the broker refuses this particular message. */
const isRefusal = (error: unknown): boolean =>
  error instanceof NatsError && (REFUSALS.has(error.code) || error.api_error?.code === BAD_REQUEST);
