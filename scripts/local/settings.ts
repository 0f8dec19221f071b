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

/** The data folder and ports of a local system, and the URLs of servers that replace its private ones. */
export interface LocalSettings {
  dataDir: string;
  ports: typeof DEFAULT_PORTS;
  given: { databaseUrls: Partial<Record<SubgraphName, string>>; redisUrl?: string; natsUrl?: string };
}

/** An error that the user of a command can fix. It is shown without a stack trace. */
export class LocalError extends Error {}

/** Adds the settings of the `.env` file to the environment and returns it. Existing variables take precedence. */
export function loadEnvironment(): NodeJS.ProcessEnv {
  const file = join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  return process.env;
}

/** Reads the settings of a local system. @throws LocalError with all invalid ports */
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

/**
 * Returns the database URL in a variable, with the TLS settings of MYSQL_SSL_MODE and MYSQL_SSL_CA. Returns undefined
 * when the variable is not set.
 * @throws LocalError when the URL or its TLS settings are invalid
 */
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

/** Returns the variable with the port of a service or server, such as GATEWAY_PORT for gateway. */
export const portVariable = (name: ServiceName | ServerName): string => `${name.toUpperCase()}_PORT`;
