import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LocalError } from '../settings.ts';

/** Keeps the databases open: the garbage collector would close them. */
const held: DatabaseSync[] = [];

/**
 * Locks a data folder for this process until it ends. SQLite takes a lock of the operating system on the lock file. The
 * operating system releases the lock when the process ends, so a crash leaves no stale lock.
 * @throws LocalError that names the process that holds the lock
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
        'Stop it first. To run a second copy at the same time, set DATA_DIR and the ports (see .env.example).',
    );
  }
  writeFileSync(holderFile, String(process.pid));
  held.push(database);
}
