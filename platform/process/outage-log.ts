import type { Logger } from './logger.ts';

const QUIET_MS = 10_000;

export type OutageLog = ReturnType<typeof createOutageLog>;

/**
 * Logs an outage that many requests notice: one warning when it begins and one line when it is over. It is over at the
 * first success at least `quietMs` after the last failure, so that alternating outcomes are one outage. The failures in
 * between are logged at the level debug.
 */
export function createOutageLog({
  logger,
  began,
  over,
  quietMs = QUIET_MS,
}: {
  logger: Logger;
  began: string;
  over: string;
  quietMs?: number;
}) {
  let failures = 0;
  let failedAtMs = 0;
  return {
    failed(details: object = {}): void {
      logger[failures === 0 ? 'warn' : 'debug'](details, began);
      failures += 1;
      failedAtMs = performance.now();
    },
    succeeded(): void {
      if (failures === 0 || performance.now() - failedAtMs < quietMs) return;
      logger.info({ failures }, over);
      failures = 0;
    },
  };
}
