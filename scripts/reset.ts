/**
 * npm run reset
 *
 * Removes all local data: databases, messages, keys and logs. Refuses while an npm start uses them.
 */
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockDataDir } from './local/processes/lock.ts';
import { stopRecorded } from './local/processes/processes.ts';
import { runScript } from './local/run-script.ts';
import { loadEnvironment, readSettings } from './local/settings.ts';

/** What npm start makes in the data folder. Nothing else in there is ours to remove. */
const OURS = [
  'keys',
  'logs',
  'mysql',
  'mysql.new',
  'mysql.tmp',
  'mysql-9',
  'mysql-9.new',
  'mysql-9.tmp',
  'nats',
  'run',
];

async function main(): Promise<void> {
  const { dataDir } = readSettings(loadEnvironment());
  lockDataDir(dataDir);
  await stopRecorded(dataDir);
  for (const folder of OURS) rmSync(join(dataDir, folder), { recursive: true, force: true });
  if (readdirSync(dataDir).length === 0) rmdirSync(dataDir);
  console.log(`Removed the local data in ${dataDir}.`);
}

await runScript(main);
