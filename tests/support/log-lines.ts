import { createLogger, type Logger } from '#platform/process/logger.ts';

/** Creates a logger that keeps its lines in memory. */
export function createLogLines(): { logger: Logger; lines: Record<string, unknown>[]; text: () => string } {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ service: 'test', level: 'trace' }, { write: (line) => lines.push(JSON.parse(line)) });
  return { logger, lines, text: () => JSON.stringify(lines) };
}
