import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Logger } from '../process/logger.ts';
import { sharedMetric } from '../process/metrics.ts';
import { createOutageLog } from '../process/outage-log.ts';

/**
 * How a call ended: with data, with GraphQL errors, without an answer, refused at once (the breaker is open or too many
 * calls are in flight), or abandoned because the caller left or its time was over.
 */
export type CallOutcome = 'data' | 'errors' | 'unanswered' | 'refused' | 'abandoned';

export type CallMetrics = ReturnType<typeof createCallMetrics>;

/** Creates the metrics of the calls to one server. Changes of the breaker and a lack of room are logged once each. */
export function createCallMetrics({ server, metrics, logger }: { server: string; metrics: Registry; logger: Logger }) {
  const durations = sharedMetric(
    metrics,
    'graphql_call_duration_seconds',
    () =>
      new Histogram({
        name: 'graphql_call_duration_seconds',
        help: 'Time of the calls to a GraphQL server inside the system, by server and outcome.',
        labelNames: ['server', 'outcome'] as const,
        buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
        registers: [metrics],
      }),
  );
  const open = sharedMetric(
    metrics,
    'graphql_breaker_open',
    () =>
      new Gauge({
        name: 'graphql_breaker_open',
        help: '1 while the breaker of a server is open: its calls fail at once, and probes find out when it is back.',
        labelNames: ['server'] as const,
        registers: [metrics],
      }),
  );
  open.set({ server }, 0);
  const roomLog = createOutageLog({
    logger,
    began: 'too many calls to the server are in flight; further calls are refused',
    over: 'calls to the server are no longer refused',
  });
  return {
    ended(outcome: CallOutcome, durationMs: number): void {
      durations.observe({ server, outcome }, durationMs / 1_000);
    },
    /** To be called with each call: whether there is room for it. */
    hasRoom(isThere: boolean): void {
      if (isThere) roomLog.succeeded();
      else roomLog.failed({ server });
    },
    breakerChanged(isOpen: boolean): void {
      open.set({ server }, isOpen ? 1 : 0);
      if (isOpen) logger.warn({ server }, 'the server does not answer; calls fail at once until it does');
      else logger.info({ server }, 'the server answers again');
    },
  };
}
