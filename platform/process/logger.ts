import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** A JSON logger, on standard output unless told otherwise; secrets that slip into an object are blanked. */
export function createLogger(
  { service, level }: { service: string; level: string },
  destination: DestinationStream = pino.destination(1),
): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS, censor: '[redacted]' },
    },
    destination,
  );
}

const SECRETS = [
  ...['authorization', '*.authorization', 'password', '*.password', 'email', '*.email', '*.token'],
  // What Redis refused, in ioredis' errors: of a log-in, the password.
  'err.command',
];
