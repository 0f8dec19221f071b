import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { nats } from '#scripts/local/nats.ts';
import { freePorts } from '#scripts/local/ports.ts';
import type { LocalProcess } from '#scripts/local/processes.ts';
import { silentStep } from '#scripts/local/progress.ts';
import { startServer } from '#scripts/local/server.ts';
import { findPrograms } from '#scripts/local/servers.ts';

const STOP_GRACE_MS = 5_000;

/** A broker of the test's own, to be killed, started again and robbed of its data. */
export interface OwnBroker {
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** Deletes all that it stored. It must not run. */
  wipe(): void;
  /** Stops it, if it runs, and removes its data. */
  remove(): Promise<void>;
}

/** A broker that does not run yet. */
export async function createOwnBroker(): Promise<OwnBroker> {
  const { port } = await freePorts(['port']);
  const dataDir = mkdtempSync(join(tmpdir(), 'ebs-broker-'));
  const { database } = inject('servers');
  const commandOf = await findPrograms(['nats-server'], { database, dataDir, step: silentStep });
  let running: LocalProcess | undefined;
  return {
    url: `nats://127.0.0.1:${port}`,
    async start() {
      running = await startServer(nats(port, dataDir), { dataDir, commandOf });
    },
    async kill() {
      process.kill(Number.parseInt(readFileSync(join(dataDir, 'run', 'nats.pid'), 'utf8'), 10), 'SIGKILL');
      await running?.whenEnded;
    },
    wipe: () => rmSync(join(dataDir, 'nats'), { recursive: true }),
    async remove() {
      await running?.stop(STOP_GRACE_MS);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
