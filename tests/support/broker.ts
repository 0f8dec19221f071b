import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createOwnNats, type OwnServer } from './own-servers.ts';

/** A broker of the test's own, to be killed, started again and robbed of its data. */
export interface OwnBroker extends OwnServer {
  /** Deletes all that it stored. It must not run. */
  wipe(): void;
}

/** A broker that does not run yet. */
export async function createOwnBroker(): Promise<OwnBroker> {
  const server = await createOwnNats();
  return { ...server, wipe: () => rmSync(join(server.dataDir, 'nats'), { recursive: true }) };
}
