import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';

/** Creates the metrics of a process, with the default ones of Node.js. Every series has the label `service`. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Returns the metric with this name, which is created once: a registry accepts each name only once. */
export const sharedMetric = <Shared extends Metric>(metrics: Registry, name: string, create: () => Shared): Shared =>
  (metrics.getSingleMetric(name) as Shared | undefined) ?? create();
