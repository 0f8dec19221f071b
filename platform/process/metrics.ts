import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * Creates the metrics registry of a process, with the default metrics of Node.js. Every series has the label `service`.
 */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
