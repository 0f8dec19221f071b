import { Counter, Gauge, type Registry } from 'prom-client';
import { sharedMetric } from '../process/metrics.ts';

/** Returns the metrics of all consumers of a process. They share them. */
export function consumerMetrics(metrics: Registry) {
  const described = (name: string, help: string) => ({
    name,
    help,
    labelNames: ['consumer'] as const,
    registers: [metrics],
  });
  const counter = (name: string, help: string) => sharedMetric(metrics, name, () => new Counter(described(name, help)));
  const gauge = (name: string, help: string) => sharedMetric(metrics, name, () => new Gauge(described(name, help)));
  return {
    consumed: counter(
      'messages_consumed_total',
      'Messages whose effect is committed, or that were dropped as duplicates.',
    ),
    redelivered: counter('messages_redelivered_total', 'Messages that the broker delivered again.'),
    pending: gauge('consumer_pending_messages', 'Messages in the stream that the consumer has not received.'),
    unacknowledged: gauge('consumer_unacknowledged_messages', 'Messages that the consumer has not acknowledged.'),
    deadLetters: counter('messages_dead_lettered_total', 'Messages that a consumer gave up on.'),
    up: gauge(
      'consumer_up',
      '1 while the consumer can receive messages and its last attempt to apply messages succeeded.',
    ),
  };
}
