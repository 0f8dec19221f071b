import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePorts } from '#scripts/local/processes/ports.ts';
import type { LocalProcess } from '#scripts/local/processes/processes.ts';
import { silentStep } from '#scripts/local/progress.ts';
import { loadSecrets } from '#scripts/local/secrets.ts';
import { adminUrlOf } from '#scripts/local/servers/database-accounts.ts';
import { mariadb, mysql } from '#scripts/local/servers/database-servers.ts';
import { nats } from '#scripts/local/servers/nats.ts';
import { redis } from '#scripts/local/servers/redis.ts';
import { type ServerSpec, startServer } from '#scripts/local/servers/server.ts';
import { findPrograms } from '#scripts/local/servers/servers.ts';

const STOP_GRACE_MS = 5_000;

/** A server that a test can kill and start again. */
export interface OwnServer {
  readonly url: string;
  readonly dataDir: string;
  start(): Promise<void>;
  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
  /** Stops the server as an operator does. */
  stop(): Promise<void>;
  /** Stops the server if it runs, and removes its data. */
  remove(): Promise<void>;
}

/** Creates a database server of the kind under test without starting it. Its URL has the admin account. */
export const createOwnDatabase = (): Promise<OwnServer> =>
  createOwnServer(async (port, dataDir) => {
    const secrets = await loadSecrets(dataDir);
    const specOf = { mariadb, mysql }[inject('servers').database];
    return { spec: specOf(port, dataDir, secrets), url: adminUrlOf(port, secrets.databases) };
  });

/** Creates a Redis server without starting it. */
export const createOwnRedis = (): Promise<OwnServer> =>
  createOwnServer(async (port) => ({ spec: redis(port), url: `redis://127.0.0.1:${port}` }));

/** Creates a broker without starting it. */
export const createOwnNats = (): Promise<OwnServer> =>
  createOwnServer(async (port, dataDir) => ({ spec: nats(port, dataDir), url: `nats://127.0.0.1:${port}` }));

/** Creates a server without starting it, on a free port and with a data folder of its own. */
export async function createOwnServer(
  describe: (port: number, dataDir: string) => Promise<{ spec: ServerSpec; url: string }>,
): Promise<OwnServer> {
  const { port } = await freePorts(['port']);
  const dataDir = mkdtempSync(join(tmpdir(), 'ebs-own-'));
  const { database } = inject('servers');
  const { spec, url } = await describe(port, dataDir);
  const commandOf = await findPrograms(spec.programs, { database, dataDir, step: silentStep });
  let running: LocalProcess | undefined;
  return {
    url,
    dataDir,
    async start() {
      running = await startServer(spec, { dataDir, commandOf });
    },
    async kill() {
      process.kill(Number.parseInt(readFileSync(join(dataDir, 'run', `${spec.name}.pid`), 'utf8'), 10), 'SIGKILL');
      await running?.whenEnded;
    },
    async stop() {
      await running?.stop(spec.stopGraceMs);
    },
    async remove() {
      await running?.stop(STOP_GRACE_MS);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
