import { type Logger, pino } from 'pino';

export type { Logger };

/** A JSON logger on standard output; secrets that slip into an object are blanked. */
export function createLogger({ service, level }: { service: string; level: string }): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ['authorization', '*.authorization', 'password', '*.password', 'email', '*.email', '*.token'],
      censor: '[redacted]',
    },
  });
}
