import { Counter, Gauge, type Registry } from 'prom-client';

/** Creates the metrics of subscriptions. The label `subscription` is the field. */
export function createLiveMetrics(metrics: Registry) {
  const described = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) => ({
    name,
    help,
    labelNames,
    registers: [metrics],
  });
  return {
    streams: new Gauge(described('live_streams', 'Open streams by subscription.', ['subscription'])),
    ended: new Counter(
      described('live_streams_ended_total', 'Ended streams by subscription and reason.', ['subscription', 'reason']),
    ),
    updates: new Counter(described('live_updates_total', 'Answers that were sent to listeners.', ['subscription'])),
    executions: new Counter(
      described('live_executions_total', 'Executions of selections, each for one or many listeners.', ['subscription']),
    ),
  };
}
