import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createOwnNats, type OwnServer } from './own-servers.ts';

/** A broker that a test can kill, start again and wipe. */
export interface OwnBroker extends OwnServer {
  /** Deletes all stored data. The broker must not be running. */
  wipe(): void;
}

/** Creates a broker without starting it. */
export async function createOwnBroker(): Promise<OwnBroker> {
  const server = await createOwnNats();
  return { ...server, wipe: () => rmSync(join(server.dataDir, 'nats'), { recursive: true }) };
}
