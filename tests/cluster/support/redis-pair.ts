import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redis } from '#scripts/local/servers/redis.ts';
import { createOwnServer, type OwnServer } from '../../support/own-servers.ts';

const SENTINELS = 3;
/** The number of sentinels that must agree that the primary is down. */
const QUORUM = 2;
const DOWN_AFTER_MS = 1_000;

/** A Redis primary and its replica, watched by three sentinels. */
export interface CachePair {
  /** The first one is the primary at the start. */
  readonly servers: readonly (OwnServer & { port: number })[];
  remove(): Promise<void>;
}

export async function startCachePair(): Promise<CachePair> {
  const primary = await createRedis();
  const replica = await createRedis('--replicaof', '127.0.0.1', String(primary.port));
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => createSentinel(primary.port)));
  const all = [primary, replica, ...sentinels];
  for (const server of all) await server.start();
  return {
    servers: [primary, replica],
    async remove() {
      await Promise.all(all.map((server) => server.remove()));
    },
  };
}

async function createRedis(...args: string[]): Promise<OwnServer & { port: number }> {
  let port = 0;
  const server = await createOwnServer(async (ownPort, dataDir) => {
    port = ownPort;
    const spec = redis(port);
    // A replica writes what it receives from the primary to this folder.
    return { spec: { ...spec, args: [...spec.args, '--dir', dataDir, ...args] }, url: `redis://127.0.0.1:${port}` };
  });
  return { ...server, port };
}

const createSentinel = (primaryPort: number): Promise<OwnServer> =>
  createOwnServer(async (port, dataDir) => {
    const file = join(dataDir, 'sentinel.conf');
    return {
      url: '',
      spec: {
        ...redis(port),
        name: 'sentinel',
        title: 'Redis Sentinel',
        args: [file, '--sentinel'],
        prepare() {
          writeFileSync(
            file,
            `port ${port}\nbind 127.0.0.1\nsentinel monitor cache 127.0.0.1 ${primaryPort} ${QUORUM}\n` +
              `sentinel down-after-milliseconds cache ${DOWN_AFTER_MS}\nsentinel failover-timeout cache 5000\n`,
          );
        },
      },
    };
  });
