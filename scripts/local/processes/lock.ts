import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LocalError } from '../settings.ts';

/** Kept from the garbage collector, which would close them. */
const held: DatabaseSync[] = [];

/**
 * Takes a data folder for this process, until it ends. SQLite holds a lock of the operating system on the lock file:
 * it goes with the process, so that no crash leaves a stale one behind.
 * @throws LocalError naming the process that has the folder.
 */
export function lockDataDir(dataDir: string): void {
  const folder = join(dataDir, 'run');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const holderFile = join(folder, 'lock.pid.txt');
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error && /locked/.test(error.message))) throw error;
    throw new LocalError(
      `${dataDir} is in use by another npm start, pid ${readFileSync(holderFile, 'utf8')}.\n` +
        'Stop that one first, or set DATA_DIR and the ports (see .env.example) to run a second copy beside it.',
    );
  }
  writeFileSync(holderFile, String(process.pid));
  held.push(database);
}
