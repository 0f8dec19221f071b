import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { databaseUrl, driverOptions } from '#platform/connections/mysql.ts';
import { AddressError } from '#platform/connections/server-url.ts';
import { eachOf, GATEWAY_PORT, type ServiceName, SUBGRAPH_LIST, SUBGRAPHS, type SubgraphName } from '#services';

export type ServerName = 'mysql' | 'redis' | 'nats';

/** The repository's folder. */
export const root = join(import.meta.dirname, '../..');

const DEFAULT_PORTS: Record<ServiceName | ServerName, number> = {
  gateway: GATEWAY_PORT,
  ...eachOf(SUBGRAPHS, (name) => SUBGRAPH_LIST[name].port),
  mysql: 13_306,
  redis: 16_379,
  nats: 14_222,
};

/** Where a local system keeps its data and listens, and which servers it is given instead of its own. */
export interface LocalSettings {
  dataDir: string;
  ports: typeof DEFAULT_PORTS;
  given: { databaseUrls: Partial<Record<SubgraphName, string>>; redisUrl?: string; natsUrl?: string };
}

/** A mistake or a condition that the person at the keyboard can put right: shown without a stack. */
export class LocalError extends Error {}

/** The environment, and under it what the `.env` file at the root says. */
export function loadEnvironment(): NodeJS.ProcessEnv {
  const file = join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  return process.env;
}

/** @throws LocalError naming every port that is not one. */
export function readSettings(env: NodeJS.ProcessEnv): LocalSettings {
  const problems: string[] = [];
  const ports = { ...DEFAULT_PORTS };
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) {
    const value = env[portVariable(name)] || ports[name];
    ports[name] = Number(value);
    if (!(Number.isInteger(ports[name]) && ports[name] >= 1 && ports[name] <= 65_535)) {
      problems.push(`${portVariable(name)}: ${value} is not a port`);
    }
  }
  if (problems.length > 0) throw new LocalError(problems.join('\n'));
  return {
    dataDir: resolve(root, env.DATA_DIR || '.data'),
    ports,
    given: {
      databaseUrls: Object.fromEntries(
        SUBGRAPHS.flatMap((name) => {
          const url = givenDatabaseUrl(env, `DATABASE_URL_${name.toUpperCase()}`);
          return url ? [[name, url]] : [];
        }),
      ),
      ...(env.REDIS_URL && { redisUrl: env.REDIS_URL }),
      ...(env.NATS_URL && { natsUrl: env.NATS_URL }),
    },
  };
}

/** A database's URL from a variable, with what MYSQL_SSL_MODE and MYSQL_SSL_CA add to it. @throws LocalError */
export function givenDatabaseUrl(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const { [variable]: DATABASE_URL, MYSQL_SSL_MODE, MYSQL_SSL_CA } = env;
  if (!DATABASE_URL) return undefined;
  try {
    const url = databaseUrl({ DATABASE_URL, MYSQL_SSL_MODE, MYSQL_SSL_CA });
    driverOptions(url);
    return url;
  } catch (error) {
    if (error instanceof AddressError) throw new LocalError(`${variable}: ${error.message}`);
    throw error;
  }
}

/** GATEWAY_PORT for gateway. */
export const portVariable = (name: ServiceName | ServerName): string => `${name.toUpperCase()}_PORT`;
