import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { styleText } from 'node:util';
import { prettyFactory } from 'pino-pretty';
import { SERVICES, type ServiceName } from '#services';

const FOLLOW_EVERY_MS = 250;
const COLOURS = ['cyan', 'green', 'magenta', 'yellow', 'blue'] as const;
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** A line of a service's log. `fields` is undefined when the line is not JSON, as when a process crashes. */
export interface LogLine {
  readonly service: ServiceName;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

const logFileOf = (dataDir: string, service: ServiceName) => join(dataDir, 'logs', `${service}.log`);
const previousLogOf = (dataDir: string, service: ServiceName) => join(dataDir, 'logs', `${service}.previous.log`);

function parseLine(service: ServiceName, text: string): LogLine {
  try {
    return { service, text, fields: JSON.parse(text) };
  } catch {
    return { service, text, fields: undefined };
  }
}

/** True for lines of at least this level, and for lines that are not JSON. */
export const isAtLeast = ({ fields }: LogLine, level: string): boolean =>
  fields === undefined || LEVELS.indexOf(String(fields.level)) >= LEVELS.indexOf(level);

/** Creates a function that formats a line for people: the time, the service in its colour, the level and the fields. */
export function createLineFormat({ colorize }: { colorize: boolean }): (line: LogLine) => string {
  const pretty = prettyFactory({
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'service,pid,hostname',
    singleLine: true,
  });
  const width = Math.max(...SERVICES.map(({ length }) => length));
  return ({ service, text, fields }) => {
    const colour = COLOURS[SERVICES.indexOf(service) % COLOURS.length] ?? 'white';
    const name = service.padEnd(width);
    const body = fields === undefined ? text : pretty(text).trimEnd();
    return `${colorize ? styleText(colour, name, { validateStream: false }) : name}  ${body}`;
  };
}

/**
 * Calls `onLine` for the last lines of each of these logs, and then for new lines until the signal is aborted. When a
 * service restarts, it continues with the new file.
 */
export async function followLogs({
  dataDir,
  services,
  lastLines,
  onLine,
  signal,
}: {
  dataDir: string;
  services: readonly ServiceName[];
  lastLines: number;
  onLine: (line: LogLine) => void;
  signal: AbortSignal;
}): Promise<void> {
  const logs = services.map((service) => ({ service, readNew: createReader(logFileOf(dataDir, service)) }));
  const read = (count: number) => {
    for (const { service, readNew } of logs) {
      for (const text of readNew().slice(-count)) onLine(parseLine(service, text));
    }
  };
  read(lastLines);
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setInterval(read, FOLLOW_EVERY_MS, Number.POSITIVE_INFINITY);
    signal.addEventListener('abort', () => resolve(clearInterval(timer)), { once: true });
  });
}

/**
 * Returns the lines of a request from the current and the previous logs, in order of time. The id is that of the
 * request, or any id in one of its lines, such as that of an error.
 */
export function findLines(dataDir: string, id: string): LogLine[] {
  const lines = SERVICES.flatMap((service) =>
    [logFileOf(dataDir, service), previousLogOf(dataDir, service)].flatMap((path) =>
      createReader(path)().map((text) => parseLine(service, text)),
    ),
  );
  const requestIds = lines.filter(({ text }) => text.includes(id)).map(({ fields }) => fields?.requestId);
  const ids = [...new Set([id, ...requestIds])].filter((one) => typeof one === 'string');
  return lines
    .filter(({ text }) => ids.some((one) => text.includes(one)))
    .sort((one, other) => String(one.fields?.time).localeCompare(String(other.fields?.time)));
}

/** Creates a function that returns the new lines of a file. The file may be missing, or replaced by another one. */
function createReader(path: string): () => string[] {
  let [inode, offset, rest] = [-1, 0, ''];
  let decoder = new StringDecoder();

  return () => {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch {
      return [];
    }
    try {
      const found = fstatSync(file);
      if (found.ino !== inode || found.size < offset) {
        [inode, offset, rest] = [found.ino, 0, ''];
        decoder = new StringDecoder();
      }
      const added = Buffer.alloc(found.size - offset);
      offset += readSync(file, added, 0, added.length, offset);
      const lines = (rest + decoder.write(added)).split('\n');
      rest = lines.pop() ?? '';
      return lines.filter((line) => line !== '');
    } finally {
      closeSync(file);
    }
  };
}
