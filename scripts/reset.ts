/**
 * npm run reset
 *
 * Deletes all local data: databases, messages, keys and logs. Refuses while `npm start` is running.
 */
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockDataDir } from './local/processes/lock.ts';
import { stopRecorded } from './local/processes/processes.ts';
import { runScript } from './local/run-script.ts';
import { loadEnvironment, readSettings } from './local/settings.ts';

/** The folders that the commands of this repository create in the data folder. Other files there are kept. */
const DATABASES = ['mysql', 'mysql-9'].flatMap((folder) => [folder, `${folder}.new`, `${folder}.tmp`]);
const OURS = ['cli', 'compile-cache', 'keys', 'load-test', 'logs', ...DATABASES, 'nats', 'run'];

async function main(): Promise<void> {
  const { dataDir } = readSettings(loadEnvironment());
  lockDataDir(dataDir);
  await stopRecorded(dataDir);
  for (const folder of OURS) rmSync(join(dataDir, folder), { recursive: true, force: true });
  if (readdirSync(dataDir).length === 0) rmdirSync(dataDir);
  console.log(`Deleted the local data in ${dataDir}.`);
}

await runScript(main);
