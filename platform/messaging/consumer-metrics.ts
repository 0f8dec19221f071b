import { Counter, Gauge, type Registry } from 'prom-client';

/** Returns the metrics of all consumers of a process. They share them because a registry accepts each name once. */
export function consumerMetrics(metrics: Registry) {
  const shared = <Metric>(name: string, create: () => Metric) =>
    (metrics.getSingleMetric(name) as Metric | undefined) ?? create();
  const described = (name: string, help: string) => ({
    name,
    help,
    labelNames: ['consumer'] as const,
    registers: [metrics],
  });
  const counter = (name: string, help: string) => shared(name, () => new Counter(described(name, help)));
  const gauge = (name: string, help: string) => shared(name, () => new Gauge(described(name, help)));
  return {
    consumed: counter(
      'messages_consumed_total',
      'Messages whose effect is committed, or that were dropped as duplicates.',
    ),
    deadLetters: counter('messages_dead_lettered_total', 'Messages that a consumer gave up on.'),
    up: gauge(
      'consumer_up',
      '1 while the consumer can receive messages and its last attempt to apply messages succeeded.',
    ),
  };
}
