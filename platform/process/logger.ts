import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** Creates a JSON logger, by default on standard output. It redacts fields that may contain secrets or e-mails. */
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
  // The refused command in errors of ioredis; for a log-in it contains the password.
  'err.command',
];
