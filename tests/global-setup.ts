import { globSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { identityOf, isAlive, killRecorded } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { DATABASES, type Database } from '#scripts/local/servers/databases.ts';
import { type LocalServers, startServers } from '#scripts/local/servers/servers.ts';

const PREFIX = 'ebs-test-';
const OWNER_FILE = 'owner';

/** The servers that integration and end-to-end tests share. Tests get them with inject('servers'). */
export interface TestServers extends Omit<LocalServers, 'stop'> {
  dataDir: string;
  database: Database;
}

declare module 'vitest' {
  export interface ProvidedContext {
    servers: TestServers;
  }
}

/**
 * Starts a private database server, Redis and NATS for the test run. Starts nothing for a run of unit tests only, or
 * for tests of a system that runs already. The servers stop and their data is removed when the run ends, even after a
 * signal. KEEP_TEST_DATA=1 keeps the data.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (process.env.TEST_GRAPHQL_URL || project.vitest.projects.every(({ name }) => name === 'unit')) return undefined;
  removeAbandoned();
  const dataDir = mkdtempSync(join(tmpdir(), PREFIX));
  // The file gets its final name when it is complete: another run would take an empty file for an abandoned one.
  writeFileSync(join(dataDir, `${OWNER_FILE}.new`), identityOf(process.pid) ?? '');
  renameSync(join(dataDir, `${OWNER_FILE}.new`), join(dataDir, OWNER_FILE));
  process.once('exit', () => remove(dataDir));
  // Vitest handles each signal only once, and SIGHUP not at all. Without these handlers a second signal would end the
  // process before the clean-up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

  const ports = await freePorts(['mysql', 'redis', 'nats']);
  const database = DATABASES.find((name) => name === process.env.TEST_DATABASE) ?? 'mariadb';
  const { stop, ...urls } = await startServers({ dataDir, ports, database, step: tellStep });
  project.provide('servers', { dataDir, database, ...urls });
  return stop;
}

/** Removes the data and the processes of runs that were killed before they could clean up. */
function removeAbandoned(): void {
  for (const file of globSync(join(tmpdir(), `${PREFIX}*`, OWNER_FILE))) {
    if (!isAlive(readFileSync(file, 'utf8'))) remove(dirname(file));
  }
}

function remove(dataDir: string): void {
  killRecorded(dataDir);
  if (process.env.KEEP_TEST_DATA === '1') console.error(`Kept the tests' data and logs: ${dataDir}`);
  else rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
}
