import { setTimeout as delay } from 'node:timers/promises';
import { isUnavailable } from '../errors/outages.ts';
import type { ProcessSettings } from './config.ts';
import type { Logger } from './logger.ts';

export type Lifecycle = ReturnType<typeof createLifecycle>;

/**
 * Stops the process on SIGTERM and SIGINT. For DRAIN_DELAY_MS it continues to serve but is not ready, so that load
 * balancers and clients can move to other replicas. Then it runs the registered steps in reverse order and exits with
 * 0. A step that fails is logged, and the others still run. If the steps take longer than STOP_TIMEOUT_MS, the process
 * exits with 1.
 */
export function createLifecycle(
  logger: Logger,
  { DRAIN_DELAY_MS: drainDelayMs, STOP_TIMEOUT_MS: stopTimeoutMs }: ProcessSettings,
) {
  const steps: { name: string; run: () => unknown }[] = [];
  let stopping = false;

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    await delay(drainDelayMs);
    setTimeout(() => {
      logger.error({ stopTimeoutMs }, 'the shutdown took too long; exiting now');
      process.exit(1);
    }, stopTimeoutMs).unref();
    for (const { name, run } of steps.reverse()) {
      try {
        await run();
      } catch (error) {
        logger.error({ err: error, step: name }, 'a shutdown step failed');
      }
    }
    logger.info('stopped');
    process.exit(0);
  }
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  process.on('unhandledRejection', (reason) => {
    // The database driver causes such a rejection when a connection breaks between log-in and first statement.
    if (isUnavailable(reason)) return logger.warn({ err: reason }, 'a connection to the database was lost');
    logger.fatal({ err: reason }, 'unhandled rejection');
    process.exit(1);
  });
  return {
    /** True from the first stop signal on. */
    get stopping() {
      return stopping;
    },
    /** Registers a cleanup step. The steps run one after another, in reverse order of their registration. */
    onStop: (name: string, run: () => unknown) => void steps.push({ name, run }),
  };
}
