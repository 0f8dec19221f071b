import { localUrl, perSubgraph, type ServiceName, SUBGRAPH_LIST, SUBGRAPHS, subgraphSetting } from '#services';
import type { Secrets } from '../secrets.ts';
import type { LocalServers } from '../servers/servers.ts';

export interface ServiceSettings extends Pick<LocalServers, 'databaseUrls' | 'redisUrl' | 'natsUrl'> {
  ports: Record<ServiceName, number>;
  secrets: Secrets;
  /** These variables take precedence over the settings below, except for settings that differ between services. */
  env: NodeJS.ProcessEnv;
}

/** Variables that only the services that need them may get from the environment. */
const NEED_TO_KNOW = /^(DATABASE_URL|REDIS_URL|NATS_URL|JWT_|MYSQL_|\w+_SUBGRAPH_(URL|SECRET)$)/;
const PRIVATE_SETTINGS = SUBGRAPHS.flatMap((name) => SUBGRAPH_LIST[name].privateSettings ?? []);

/** Returns a service's environment: that of this process, with the addresses and secrets that the service needs. */
export function serviceEnvironment(name: ServiceName, settings: ServiceSettings): NodeJS.ProcessEnv {
  const { ports, env, secrets } = settings;
  const {
    usesRedis,
    asks = [],
    privateSettings = [],
  } = name === 'gateway' ? { usesRedis: true, asks: SUBGRAPHS } : SUBGRAPH_LIST[name];
  const made: NodeJS.ProcessEnv = {
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    JWT_PUBLIC_KEYS: JSON.stringify(secrets.publicKeys),
    JWT_PRIVATE_KEY: JSON.stringify(secrets.privateKey),
    ACCOUNT_MAIL_SECRET: secrets.accountMails,
    TICKET_PUBLIC_KEYS: JSON.stringify(secrets.tickets.publicKeys),
    TICKET_PRIVATE_KEY: JSON.stringify(secrets.tickets.privateKey),
    WEBHOOK_SECRETS_KEY: secrets.webhooks,
    ...perSubgraph('SECRET', (subgraph) => secrets.subgraphs[subgraph]),
    ...perSubgraph('URL', (subgraph) => localUrl(subgraph, ports[subgraph])),
  };
  const needed = [
    ...['NODE_ENV', 'HOST', 'JWT_PUBLIC_KEYS', ...privateSettings],
    ...asks.flatMap((subgraph) => [subgraphSetting(subgraph, 'URL'), subgraphSetting(subgraph, 'SECRET')]),
    ...(name === 'gateway' ? [] : [subgraphSetting(name, 'SECRET')]),
  ];
  const isPassed = (variable: string) => !NEED_TO_KNOW.test(variable) && !PRIVATE_SETTINGS.includes(variable);
  return {
    ...Object.fromEntries(Object.entries(env).filter(([variable]) => isPassed(variable))),
    ...Object.fromEntries(
      needed.map((variable) => [variable, env[variable] || made[variable]]).filter(([, value]) => value),
    ),
    ...(usesRedis && { REDIS_URL: settings.redisUrl }),
    ...(name !== 'gateway' && { DATABASE_URL: settings.databaseUrls[name] }),
    NATS_URL: settings.natsUrl,
    PORT: String(ports[name]),
    APOLLO_TELEMETRY_DISABLED: '1',
    // As in the image: fewer memory pools of the C library take less memory.
    MALLOC_ARENA_MAX: '2',
  };
}
