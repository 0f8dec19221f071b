import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mariadb';
import { openConnection } from '#platform/database/migrations.ts';
import { generate } from '#scripts/generate.ts';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { killRecorded } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { createSecrets, type Secrets } from '#scripts/local/secrets.ts';
import type { Database } from '#scripts/local/servers/databases.ts';
import { type LocalServers, startServers } from '#scripts/local/servers/servers.ts';
import { createServices } from '#scripts/local/services/services.ts';
import { migrate } from '#scripts/migrate.ts';
import { type ServiceName, SUBGRAPHS } from '#services';
import { type Buyer, signInMany } from '#tests/support/buyers.ts';

/** Production mode, with rate limits that one machine does not reach. */
export const BENCH_ENV = {
  LOG_LEVEL: 'warn',
  NODE_ENV: 'production',
  RATE_LIMIT_USER: '1000000',
  RATE_LIMIT_ADDRESS: '1000000',
};

/** Runs a benchmark with a new data folder. Afterwards it kills the remaining processes and deletes the folder. */
export async function withDataDir(
  parent: string,
  run: (dataDir: string, started: AsyncDisposableStack) => Promise<void>,
): Promise<void> {
  await generate(tellStep);
  const dataDir = mkdtempSync(join(parent, 'ebs-bench-'));
  const remove = () => {
    killRecorded(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  };
  process.once('exit', remove);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const started = new AsyncDisposableStack();
  try {
    await run(dataDir, started);
  } finally {
    await started.disposeAsync();
    remove();
  }
}

export interface BenchSystem {
  readonly ports: Record<ServiceName | 'other', number>;
  readonly servers: LocalServers;
  readonly secrets: Secrets;
  /** A connection to the database server as the admin account, which has all rights. */
  readonly admin: Connection;
}

/** Starts private servers with migrated databases, and some services on them, and waits until they are ready. */
export async function startBenchSystem({
  dataDir,
  started,
  database = 'mariadb',
  names,
  env = {},
}: {
  dataDir: string;
  started: AsyncDisposableStack;
  database?: Database;
  names: readonly ServiceName[];
  env?: NodeJS.ProcessEnv;
}): Promise<BenchSystem> {
  const ports = await freePorts(['mysql', 'redis', 'nats', 'gateway', ...SUBGRAPHS, 'other'] as const);
  const servers = await startServers({ dataDir, ports, database, step: tellStep });
  started.defer(servers.stop);
  const secrets = await createSecrets('');
  for (const name of SUBGRAPHS) await migrate(name, servers.databaseUrls[name]);
  const services = createServices({
    ...servers,
    dataDir,
    ports,
    secrets,
    env: { ...process.env, ...BENCH_ENV, ...env },
  });
  started.defer(services.stop);
  services.start(...names);
  await tellStep(names.join(', '), () => services.waitUntilReady());
  const admin = await openConnection(servers.adminUrl);
  started.defer(() => admin.end());
  return { ports, servers, secrets, admin };
}

/** Signs in users who can book, and stores their contacts, so that their bookings are notified. */
export async function createBuyers({ secrets, admin }: BenchSystem, count: number): Promise<Buyer[]> {
  const buyers = await signInMany(count, secrets);
  const contacts = buyers.map(({ userId }) => [userId, 'Ada', 'ada@example.com']);
  await admin.batch('INSERT INTO notification_db.contacts (user_id, name, email) VALUES (?, ?, ?)', contacts);
  return buyers;
}

/** Stores the facts of events that only a benchmark knows, so that their bookings are notified. */
export async function saveEventFacts(admin: Connection, eventIds: readonly string[]): Promise<void> {
  await admin.batch(
    "INSERT INTO notification_db.event_facts (event_id, name, starts_at, version) VALUES (?, 'Concert', '2030-01-01', 1)",
    eventIds.map((id) => [id]),
  );
}
