import { eachOf, SUBGRAPHS, type SubgraphName } from '#services';
import { type CommandOf, installedCommand } from '../programs.ts';
import type { Step } from '../progress.ts';
import { loadSecrets, type Secrets } from '../secrets.ts';
import type { LocalSettings, ServerName } from '../settings.ts';
import { adminUrlOf, databaseUrlOf } from './database-accounts.ts';
import { mariadb, mysql } from './database-servers.ts';
import type { Database } from './databases.ts';
import { deployedServers } from './deployed-servers.ts';
import { requirePrograms } from './install.ts';
import { nats } from './nats.ts';
import { redis } from './redis.ts';
import { type ServerSpec, startServer } from './server.ts';

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
 * Starts a database server, Redis and NATS as private processes, all at once, except those that `given` names others
 * for, and waits until they serve. What the machine lacks is installed or fetched where that can be done.
 * @param database with `mysql` all of them are of the versions that are deployed.
 * @throws LocalError; whatever was started is stopped again.
 */
export async function startServers({
  dataDir,
  ports,
  database = 'mariadb',
  given = { databaseUrls: {} },
  step,
  signal,
}: {
  dataDir: string;
  ports: Record<ServerName, number>;
  database?: Database;
  given?: LocalSettings['given'];
  step: Step;
  signal?: AbortSignal;
}): Promise<LocalServers> {
  const secrets = await loadSecrets(dataDir);
  const specsOf = { mysql: SPECS[database], redis, nats };
  const specs = privateServers(given).map((name) => specsOf[name](ports[name], dataDir, secrets));
  const programs = specs.flatMap((spec) => spec.programs);
  const commandOf = await findPrograms(programs, { database, dataDir, step });
  const outcomes = await Promise.allSettled(
    specs.map((spec) =>
      step(`${spec.title} on port ${spec.port}`, () => startServer(spec, { dataDir, commandOf, signal })),
    ),
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
    databaseUrls: eachOf(SUBGRAPHS, (name) => databaseUrlOf(name, { given, ports }, secrets)),
    redisUrl: given.redisUrl ?? `redis://127.0.0.1:${ports.redis}`,
    natsUrl: given.natsUrl ?? `nats://127.0.0.1:${ports.nats}`,
    adminUrl: adminUrlOf(ports.mysql, secrets.databases),
    stop,
  };
}

const SPECS: Record<Database, (port: number, dataDir: string, secrets: Secrets) => ServerSpec> = { mariadb, mysql };

/**
 * How to run programs beside a database: with MariaDB what is installed on this machine, with MySQL what is deployed.
 * @throws LocalError saying what is missing, and cannot be installed or fetched.
 */
export async function findPrograms(
  programs: readonly string[],
  { database, dataDir, step }: { database: Database; dataDir: string; step: Step },
): Promise<CommandOf> {
  if (database === 'mysql') return deployedServers(dataDir, step);
  await requirePrograms(programs, dataDir, step);
  return installedCommand;
}

/** Which servers have to be private ones: those that the settings name no other for. */
export const privateServers = ({ databaseUrls, redisUrl, natsUrl }: LocalSettings['given']): ServerName[] => [
  ...(SUBGRAPHS.every((name) => databaseUrls[name]) ? [] : (['mysql'] as const)),
  ...(redisUrl ? [] : (['redis'] as const)),
  ...(natsUrl ? [] : (['nats'] as const)),
];
