import { AckPolicy, ConsumerEvents, type ConsumerMessages, DeliverPolicy, headers, type JsMsg, nanos } from 'nats';
import { Counter, type Registry } from 'prom-client';
import type { z } from 'zod';
import { isUnavailable, type SqlClient, type SqlExecutor, TRANSACTION_LIMITS } from '../database.ts';
import type { Logger } from '../logger.ts';
import { createWorker } from '../worker.ts';
import { type Broker, deadLetterStream, type StreamDefinition } from './broker.ts';
import { pruneInbox, recordInInbox } from './inbox.ts';
import { envelope } from './message.ts';

/** What one version of one message means here: its form, and its effect within the inbox's transaction. */
export interface MessageHandler<Transaction> {
  readonly schema: z.ZodType;
  apply(transaction: Transaction, messages: readonly ReceivedMessage<never>[]): Promise<void>;
}

export interface ReceivedMessage<Data> {
  readonly id: string;
  readonly subject: string;
  readonly time: Date;
  readonly correlationId: string | undefined;
  readonly data: Data;
}

/** Ties a handler's effect to the type of its schema. The effect must not depend on the order of messages. */
export const onMessage = <Transaction, Schema extends z.ZodType>(
  schema: Schema,
  apply: (transaction: Transaction, messages: readonly ReceivedMessage<z.output<Schema>>[]) => Promise<void>,
): MessageHandler<Transaction> => ({ schema, apply });

export interface Consumer {
  isHealthy(): boolean;
  /** Stops pulling and finishes and acknowledges what is in hand. */
  stop(): Promise<void>;
}

const IN_FLIGHT_MAX = 256;
const BATCH_MAX = 100;
const ACK_WAIT_MS = 30_000;
const PULL_EXPIRES_MS = 10_000;
const RETRY_DELAYS_MS = [1_000, 5_000, 30_000, 120_000];
const RECONNECT_MS = 1_000;
const PRUNE_EVERY_MS = 600_000;

/**
 * A durable consumer of one stream. Messages that wait together are applied together, in one transaction with their
 * inbox rows, and acknowledged after its commit; when that fails each is tried alone, so that one bad message cannot
 * hold up its neighbours. A message that keeps failing is tried again after 1 s, 5 s, 30 s and 2 min and then goes
 * to the dead letters; while the database is away nothing counts as the message's own failure. A lost connection,
 * stream or consumer is set up again for ever.
 */
export function createConsumer<Transaction extends SqlExecutor>({
  name,
  stream,
  handlers,
  database,
  broker,
  logger,
  metrics,
}: {
  name: string;
  stream: StreamDefinition;
  handlers: Readonly<Record<string, MessageHandler<Transaction>>>;
  database: SqlClient<Transaction>;
  broker: Broker;
  logger: Logger;
  metrics: Registry;
}): Consumer {
  const counters = consumerMetrics(metrics);
  const waiting: JsMsg[] = [];
  let source: ConsumerMessages | undefined;
  let pruneAtMs = Date.now() + PRUNE_EVERY_MS;

  const worker = createWorker({
    intervalMs: RECONNECT_MS,
    async run() {
      source ??= await subscribe();
      const batch = waiting.splice(0, BATCH_MAX);
      if (batch.length > 0) await consume(batch);
      if (Date.now() >= pruneAtMs) {
        pruneAtMs = Date.now() + PRUNE_EVERY_MS;
        await pruneInbox(database);
      }
      return waiting.length > 0;
    },
    onError: (error) => logger.warn({ err: error, consumer: name }, 'consumer interrupted; it goes on'),
  });

  async function subscribe(): Promise<ConsumerMessages> {
    const durable = broker.resourceName(name);
    await broker.ensureStream(stream);
    const { client, manager } = await broker.jetStream();
    await manager.consumers.add(broker.resourceName(stream.name), {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: IN_FLIGHT_MAX,
      // The server would drop a message in silence; giving up is decided here, with a dead letter.
      max_deliver: -1,
    });
    const pulled = await client.consumers.get(broker.resourceName(stream.name), durable);
    const messages = await pulled.consume({
      max_messages: IN_FLIGHT_MAX,
      expires: PULL_EXPIRES_MS,
      abort_on_missing_resource: true,
      callback: (message) => {
        waiting.push(message);
        worker.nudge();
      },
    });
    void watch(messages);
    logger.info({ consumer: name }, 'consuming');
    return messages;
  }

  async function watch(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of await messages.status()) {
      if (type === ConsumerEvents.ConsumerDeleted || type === ConsumerEvents.ConsumerNotFound) messages.stop();
      if (type === ConsumerEvents.StreamNotFound) messages.stop();
    }
    if (source === messages) source = undefined;
    worker.nudge();
  }

  /** Applies a batch in one transaction, or one message at a time where that fails. */
  async function consume(batch: readonly JsMsg[]): Promise<void> {
    try {
      await apply(batch);
      for (const message of batch) message.ack();
      counters.consumed.inc({ consumer: name }, batch.length);
    } catch (error) {
      if (batch.length === 1 && batch[0] !== undefined) return refuse(batch[0], error);
      for (const message of batch) {
        message.working();
        await consume([message]);
      }
    }
  }

  async function apply(batch: readonly JsMsg[]): Promise<void> {
    const parsed = batch.map((message) => parseMessage(message, handlers));
    await database.$transaction(async (transaction) => {
      const fresh = await recordInInbox(transaction, name, [...new Set(parsed.map(({ message }) => message.id))]);
      for (const [type, handler] of Object.entries(handlers)) {
        const messages = parsed.filter((one) => one.type === type && fresh.delete(one.message.id));
        if (messages.length > 0) await handler.apply(transaction, messages.map(({ message }) => message) as never[]);
      }
    }, TRANSACTION_LIMITS);
  }

  async function refuse(message: JsMsg, error: unknown): Promise<void> {
    const deliveries = message.info.redeliveryCount;
    const delayMs = RETRY_DELAYS_MS[deliveries - 1];
    if (isUnavailable(error)) {
      logger.warn({ err: error, consumer: name }, 'the database is away; the message waits');
      return message.nak(RETRY_DELAYS_MS[1]);
    }
    if (delayMs !== undefined) {
      logger.warn({ err: error, consumer: name, subject: message.subject, deliveries }, 'message failed; tried again');
      return message.nak(delayMs);
    }
    const reason = error instanceof Error ? error.message : String(error);
    try {
      await publishDeadLetter(message, { reason, deliveries });
    } catch (publishError) {
      logger.warn({ err: publishError, consumer: name }, 'no dead letter could be stored; the message waits');
      return message.nak(RETRY_DELAYS_MS[1]);
    }
    counters.deadLetters.inc({ consumer: name });
    logger.error({ err: error, consumer: name, subject: message.subject, deliveries }, 'dead letter');
    message.term();
  }

  async function publishDeadLetter(message: JsMsg, { reason, deliveries }: { reason: string; deliveries: number }) {
    await broker.ensureStream(deadLetterStream);
    const { client } = await broker.jetStream();
    const about = headers();
    about.set('Ebs-Subject', message.subject);
    about.set('Ebs-Reason', reason.replaceAll(/\s+/g, ' ').slice(0, 1_000));
    about.set('Ebs-Deliveries', String(deliveries));
    const msgID = `${name}:${message.info.stream}:${message.seq}:${deliveries}`;
    await client.publish(broker.subject(`dead-letters.${name}`), message.data, { headers: about, msgID });
  }

  return {
    isHealthy: () => source !== undefined && broker.isConnected(),
    async stop() {
      await source?.close();
      await worker.stop();
    },
  };
}

/** @throws when the body is not a message in its envelope, or no handler knows its type and version. */
function parseMessage(message: JsMsg, handlers: Readonly<Record<string, MessageHandler<never>>>) {
  const event = envelope.parse(JSON.parse(message.string()));
  const handler = Object.hasOwn(handlers, event.type) ? handlers[event.type] : undefined;
  if (handler === undefined) throw new Error(`no handler for ${event.type}`);
  const received: ReceivedMessage<unknown> = {
    id: event.id,
    subject: event.subject,
    time: new Date(event.time),
    correlationId: event.correlationid,
    data: handler.schema.parse(event.data),
  };
  return { type: event.type, message: received };
}

/** Shared by all consumers of a process. */
function consumerMetrics(metrics: Registry) {
  const consumed = metrics.getSingleMetric('messages_consumed_total') as Counter<'consumer'> | undefined;
  const deadLetters = metrics.getSingleMetric('messages_dead_lettered_total') as Counter<'consumer'> | undefined;
  return {
    consumed:
      consumed ??
      new Counter({
        name: 'messages_consumed_total',
        help: 'Messages whose effect is committed, or that were dropped as duplicates.',
        labelNames: ['consumer'],
        registers: [metrics],
      }),
    deadLetters:
      deadLetters ??
      new Counter({
        name: 'messages_dead_lettered_total',
        help: 'Messages that a consumer gave up on.',
        labelNames: ['consumer'],
        registers: [metrics],
      }),
  };
}
