import type { ProcessSettings } from './config.ts';
import { createLifecycle } from './lifecycle.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { startTracing } from './tracing.ts';

/** The parts of every process. */
export type Process = ReturnType<typeof createProcess>;

export function createProcess(name: string, settings: ProcessSettings) {
  const logger = createLogger({ service: name, level: settings.LOG_LEVEL });
  const lifecycle = createLifecycle(logger, settings);
  void startTracing(name, settings, { logger, lifecycle });
  return { logger, metrics: createMetrics(name), lifecycle };
}
