import { collectDefaultMetrics, Registry } from 'prom-client';

/** Creates the metrics of a process, with the default ones of Node.js. Every series has the label `service`. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
