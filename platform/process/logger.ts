import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** Creates a JSON logger, by default on standard output. It redacts fields that may contain secrets or e-mails. */
export function createLogger(
  { service, level }: { service: string; level: string },
  destination: DestinationStream = standardOutput(),
): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redact },
      serializers: { err: (error) => redactError(pino.stdSerializers.err(error)) },
    },
    destination,
  );
}

/**
 * Writes the lines of one turn of the event loop together. A write to a pipe takes longer than everything else that a
 * line needs. The lines of the last turn are written when the process exits.
 */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true });
  let lines = '';
  const flush = () => {
    output.write(lines);
    lines = '';
  };
  process.once('exit', () => lines !== '' && flush());
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}

const SECRETS: ReadonlySet<string> = new Set(['authorization', 'password', 'email', 'token']);
const CENSORED = '[redacted]';

type Fields = Record<string, unknown>;

/**
 * Replaces secrets in the fields of a line, and in the objects that are its fields. pino's own option `redact` does the
 * same, but takes half of the time of a line.
 */
function redact(fields: Fields): Fields {
  let safe = fields;
  for (const [name, value] of Object.entries(fields)) {
    const safeValue = SECRETS.has(name) ? CENSORED : isPlainObject(value) ? redactFlat(value) : value;
    if (safeValue === value) continue;
    if (safe === fields) safe = { ...fields };
    safe[name] = safeValue;
  }
  return safe;
}

const redactFlat = (fields: Fields): Fields =>
  Object.keys(fields).some((name) => SECRETS.has(name))
    ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, SECRETS.has(name) ? CENSORED : value]))
    : fields;

/** The property `command` is the refused command in errors of ioredis. For a log-in it contains the password. */
function redactError(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const safe = redactFlat(error as Fields);
  return 'command' in safe ? { ...safe, command: CENSORED } : safe;
}

const isPlainObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error);
