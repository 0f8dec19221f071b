/**
 * npm run logs [-- [--level warn] [services]]
 * npm run logs -- --find <id>
 *
 * Follows the logs of the services that `npm start` runs on this machine, or of some of them. With --find it shows all
 * lines of one request in order of time: those of the gateway, of the subgraphs, of its messages and of its
 * notifications. The id is that of the request (the header x-request-id of the answer) or the errorId of an error.
 */
import { SERVICES, type ServiceName } from '#services';
import { createLineFormat, findLines, followLogs, isAtLeast, LEVELS } from './local/log-files.ts';
import { parseArguments, runScript } from './local/run-script.ts';
import { LocalError, loadEnvironment, readSettings } from './local/settings.ts';

const USAGE = `npm run logs [-- [--level ${LEVELS.join(' | ')}] [--find <id>] [${SERVICES.join(' | ')}]]`;
const LAST_LINES = 20;

async function main(): Promise<void> {
  const { values, services } = readArguments();
  const { dataDir } = readSettings(loadEnvironment());
  const format = createLineFormat({ colorize: process.stdout.isTTY });
  if (values.find !== undefined) {
    const lines = findLines(dataDir, values.find);
    if (lines.length === 0) throw new LocalError(`No log contains ${values.find}.`);
    for (const line of lines) console.log(format(line));
    return;
  }
  const end = new AbortController();
  process.once('SIGINT', () => end.abort());
  await followLogs({
    dataDir,
    services,
    lastLines: LAST_LINES,
    onLine: (line) => isAtLeast(line, values.level) && console.log(format(line)),
    signal: end.signal,
  });
}

/** @throws LocalError that names the wrong argument */
function readArguments() {
  const { values, positionals } = parseArguments(
    { options: { find: { type: 'string' }, level: { type: 'string', default: 'trace' } }, allowPositionals: true },
    USAGE,
  );
  const unknown = positionals.find((name) => !SERVICES.includes(name as ServiceName));
  if (unknown !== undefined) throw new LocalError(`${unknown} is no service. Choose one of: ${SERVICES.join(', ')}.`);
  if (!LEVELS.includes(values.level)) throw new LocalError(`--level takes one of: ${LEVELS.join(', ')}.`);
  return { values, services: positionals.length > 0 ? (positionals as ServiceName[]) : SERVICES };
}

await runScript(main);
