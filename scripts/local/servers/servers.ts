import { eachOf, SUBGRAPHS } from '#services';
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

export type LocalServers = Awaited<ReturnType<typeof startServers>>;

/**
 * Starts a database server, Redis and NATS in parallel as private processes and waits until they are ready. It starts
 * no server for which `given` has a URL. It installs or fetches missing programs where this is possible.
 * @param database with `mysql`, all servers have the deployed versions.
 * @throws LocalError when a server does not start. The other servers are stopped first.
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
}) {
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
  /** Stops the private servers one after another: broker, cache, database. */
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
    // The given URLs, or those of the private servers.
    databaseUrls: eachOf(SUBGRAPHS, (name) => databaseUrlOf(name, { given, ports }, secrets)),
    redisUrl: given.redisUrl ?? `redis://127.0.0.1:${ports.redis}`,
    natsUrl: given.natsUrl ?? `nats://127.0.0.1:${ports.nats}`,
    /** The URL of the private database server for the admin account, which has all rights. */
    adminUrl: adminUrlOf(ports.mysql, secrets.databases),
    stop,
  };
}

const SPECS: Record<Database, (port: number, dataDir: string, secrets: Secrets) => ServerSpec> = { mariadb, mysql };

/**
 * Returns how to run the server programs: the installed ones with MariaDB, the deployed versions with MySQL.
 * @throws LocalError that names the missing programs and says how to install them
 */
export async function findPrograms(
  programs: readonly string[],
  { database, dataDir, step }: { database: Database; dataDir: string; step: Step },
): Promise<CommandOf> {
  if (database === 'mysql') return deployedServers(dataDir, step);
  await requirePrograms(programs, dataDir, step);
  return installedCommand;
}

/** Returns the servers to start as private processes. These are the servers without a URL in the settings. */
export const privateServers = ({ databaseUrls, redisUrl, natsUrl }: LocalSettings['given']): ServerName[] => [
  ...(SUBGRAPHS.every((name) => databaseUrls[name]) ? [] : (['mysql'] as const)),
  ...(redisUrl ? [] : (['redis'] as const)),
  ...(natsUrl ? [] : (['nats'] as const)),
];
