import type { JetStreamManager, StreamConfig, StreamInfo } from 'nats';
import { Gauge, type Registry } from 'prom-client';
import { isUnavailable } from '../errors/outages.ts';
import type { Bounds } from '../process/bounds.ts';
import type { Logger } from '../process/logger.ts';
import { sharedMetric } from '../process/metrics.ts';
import { createPoller } from '../process/poller.ts';
import type { Broker, StreamDefinition } from './broker.ts';
import { explained, isMissing } from './streams.ts';

const KEEP_EVERY_MS = 10_000;
const DAY_MS = 86_400_000;
/** Acknowledged messages are kept at most this long, for new consumers and consumers that lost their position. */
export const STREAM_KEEP_DAYS = 7;
const KEEP_MS = STREAM_KEEP_DAYS * DAY_MS;
/** Old messages are deleted about once an hour, not in every run. */
const AGE_SLACK_MS = 3_600_000;
/** A stream that is fuller than TRIM_ABOVE_RATIO loses its oldest acknowledged messages, down to TRIM_TO_RATIO. */
const TRIM_ABOVE_RATIO = 0.6;
const TRIM_TO_RATIO = 0.5;

/**
 * Starts the maintenance of a stream by its owner. The server itself never deletes a message: a full stream refuses new
 * messages, which then wait in their outbox. The keeper deletes only messages that all consumers have acknowledged:
 * those older than `STREAM_KEEP_DAYS`, and the oldest ones when the stream is more than 60 % full. It updates the
 * stream's settings at the start, after a failure, and when subjects or bounds differ from its own. A lowered limit takes
 * effect once the messages fit. Any number of keepers may run for one stream.
 */
export function createStreamKeeper({
  broker,
  stream,
  bounds,
  logger,
  metrics,
  keepMs = KEEP_MS,
  keepEveryMs = KEEP_EVERY_MS,
}: {
  broker: Broker;
  stream: StreamDefinition;
  bounds: Bounds;
  logger: Logger;
  metrics: Registry;
  keepMs?: number;
  keepEveryMs?: number;
}) {
  const wanted = broker.streamConfig(stream);
  const sizes = sizeMetrics(metrics);
  let isUpToDate = false;
  let healthy = true;

  const poller = createPoller({
    intervalMs: keepEveryMs,
    async run() {
      if (!broker.isConnected()) return false;
      const { manager } = await broker.jetStream();
      await broker.ensureStream(stream);
      await trim(manager);
      const info = await manager.streams.info(wanted.name);
      sizes.messages.set({ stream: stream.name }, info.state.messages);
      sizes.bytes.set({ stream: stream.name }, info.state.bytes);
      sizes.limit.set({ stream: stream.name }, info.config.max_bytes);
      bounds.observe(`stream ${stream.name}`, info.state.bytes, wanted.max_bytes);
      if (!isUpToDate || !isAsWanted(info)) await update(manager, info);
      healthy = true;
      return false;
    },
    onError(error) {
      // While the broker is away, a retry is enough. Any other error needs an operator.
      const level = isUnavailable(error) ? 'warn' : 'error';
      if (healthy)
        logger[level]({ err: error, stream: stream.name }, 'the stream could not be maintained; it will be retried');
      healthy = false;
      isUpToDate = false;
    },
  });

  /**
   * False if subjects are missing or the bounds differ, as when a replica of an older release has set its own settings
   * during a rollout.
   */
  const isAsWanted = ({ config }: StreamInfo): boolean =>
    wanted.subjects.every((subject) => config.subjects.includes(subject)) &&
    config.max_bytes === wanted.max_bytes &&
    config.max_age === wanted.max_age &&
    config.discard === wanted.discard;

  /** Updates the settings. @throws Error when the server refuses them. The stream then keeps its old settings. */
  async function update(manager: JetStreamManager, { config, state }: StreamInfo): Promise<void> {
    // With a limit below the current size the server could delete messages.
    const max_bytes = Math.max(wanted.max_bytes, state.bytes);
    const { storage: _unchangeable, ...settings } = wanted;
    const changed: StreamConfig = { ...config, ...settings, max_bytes };
    try {
      await manager.streams.update(wanted.name, changed);
    } catch (error) {
      throw explained(error, wanted);
    }
    isUpToDate = true;
  }

  async function trim(manager: JetStreamManager): Promise<void> {
    const { state } = await manager.streams.info(wanted.name);
    if (state.messages === 0) return;
    const wantedSeq = Math.max(firstOfSize(state), await firstOfAge(manager, state));
    if (wantedSeq <= state.first_seq) return;
    const seq = Math.min(wantedSeq, (await acknowledgedSeq(manager)) + 1);
    if (seq > state.first_seq) await manager.streams.purge(wanted.name, { seq });
  }

  /** Returns the sequence number of the first message to keep by size, if all messages have about the same size. */
  function firstOfSize({ bytes, messages, first_seq }: StreamInfo['state']): number {
    if (bytes <= TRIM_ABOVE_RATIO * wanted.max_bytes) return first_seq;
    return first_seq + Math.ceil(messages * (1 - (TRIM_TO_RATIO * wanted.max_bytes) / bytes));
  }

  /** Returns the sequence number of the first message that is not too old, found by binary search. */
  async function firstOfAge(manager: JetStreamManager, state: StreamInfo['state']): Promise<number> {
    const now = Date.now();
    if (Date.parse(String(state.first_ts)) > now - keepMs - AGE_SLACK_MS) return state.first_seq;
    let [old, young] = [state.first_seq, state.last_seq + 1];
    while (old < young) {
      const middle = Math.floor((old + young) / 2);
      const { time } = await manager.streams.getMessage(wanted.name, { seq: middle });
      if (time.getTime() < now - keepMs) old = middle + 1;
      else young = middle;
    }
    return young;
  }

  /**
   * Returns the highest sequence number up to which every consumer has acknowledged all messages, or 0 while a consumer
   * is missing.
   */
  async function acknowledgedSeq(manager: JetStreamManager): Promise<number> {
    const floors = stream.consumers.map(async (consumer) => {
      try {
        return (await manager.consumers.info(wanted.name, broker.resourceName(consumer))).ack_floor.stream_seq;
      } catch (error) {
        if (isMissing(error)) return 0;
        throw error;
      }
    });
    return Math.min(...(await Promise.all(floors)));
  }

  return {
    /** False while the broker does not answer or refuses the stream's settings. */
    isHealthy: () => healthy,
    stop: poller.stop,
  };
}

/** Returns the sizes of the streams that a process owns. */
function sizeMetrics(metrics: Registry) {
  const gauge = (name: string, help: string) =>
    sharedMetric(metrics, name, () => new Gauge({ name, help, labelNames: ['stream'] as const, registers: [metrics] }));
  return {
    messages: gauge('stream_messages', 'Messages that the stream holds, acknowledged or not.'),
    bytes: gauge('stream_bytes', 'Bytes that the stream takes.'),
    limit: gauge('stream_limit_bytes', "The stream's maximum size on the server. A full stream refuses messages."),
  };
}
