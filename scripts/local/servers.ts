import { requirePrograms } from './install.ts';
import { adminUrlOf, databaseUrlOf, mariadb } from './mariadb.ts';
import { nats } from './nats.ts';
import type { Step } from './progress.ts';
import { redis } from './redis.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { type ServerSpec, startServer } from './server.ts';
import { eachOf, type LocalSettings, type ServerName, SUBGRAPHS, type SubgraphName } from './settings.ts';

/** The private servers of a data folder. */
export interface LocalServers {
  /** Where each subgraph's database, the cache and the broker are: a given one or ours. */
  databaseUrls: Record<SubgraphName, string>;
  redisUrl: string;
  natsUrl: string;
  /** The private database server, as the account that may do everything. */
  adminUrl: string;
  /** Stops what was started, one after another: broker, cache, database. */
  stop(): Promise<void>;
}

/**
 * Starts MariaDB, Redis and NATS as private processes, all at once, except those that `given` names others for, and
 * waits until they serve. What the machine lacks is installed where that can be done.
 * @throws LocalError; whatever was started is stopped again.
 */
export async function startServers({
  dataDir,
  ports,
  given = { databaseUrls: {} },
  step,
  signal,
}: {
  dataDir: string;
  ports: Record<ServerName, number>;
  given?: LocalSettings['given'];
  step: Step;
  signal?: AbortSignal;
}): Promise<LocalServers> {
  const secrets = await loadSecrets(dataDir);
  const specs = privateServers(given).map((name) => SPECS[name](ports[name], dataDir, secrets));
  await requirePrograms(
    specs.flatMap(({ programs }) => programs),
    dataDir,
    step,
  );
  const outcomes = await Promise.allSettled(
    specs.map((spec) => step(`${spec.title} on port ${spec.port}`, () => startServer(spec, dataDir, signal))),
  );
  const stop = async () => {
    for (const [index, outcome] of [...outcomes.entries()].reverse()) {
      if (outcome.status === 'fulfilled') await outcome.value.stop(specs[index]?.stopGraceMs ?? 0);
    }
  };
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  return {
    databaseUrls: eachOf(
      SUBGRAPHS,
      (name) => given.databaseUrls[name] ?? databaseUrlOf(name, ports.mysql, secrets.databases),
    ),
    redisUrl: given.redisUrl ?? `redis://127.0.0.1:${ports.redis}`,
    natsUrl: given.natsUrl ?? `nats://127.0.0.1:${ports.nats}`,
    adminUrl: adminUrlOf(ports.mysql, secrets.databases),
    stop,
  };
}

const SPECS: Record<ServerName, (port: number, dataDir: string, secrets: Secrets) => ServerSpec> = {
  mysql: mariadb,
  redis,
  nats,
};

/** Which servers have to be private ones: those that the settings name no other for. */
export const privateServers = ({ databaseUrls, redisUrl, natsUrl }: LocalSettings['given']): ServerName[] => [
  ...(SUBGRAPHS.every((name) => databaseUrls[name]) ? [] : (['mysql'] as const)),
  ...(redisUrl ? [] : (['redis'] as const)),
  ...(natsUrl ? [] : (['nats'] as const)),
];
