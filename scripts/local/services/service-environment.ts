import type { Secrets } from '../secrets.ts';
import type { LocalServers } from '../servers/servers.ts';
import { eachOf, type ServiceName, SUBGRAPHS, type SubgraphName } from '../settings.ts';

export interface ServiceSettings extends Pick<LocalServers, 'databaseUrls' | 'redisUrl' | 'natsUrl'> {
  ports: Record<ServiceName, number>;
  secrets: Secrets;
  /** Wins over what is set here, except for what differs from service to service. */
  env: NodeJS.ProcessEnv;
}

/** What must not pass from the environment to services that have no use for it. */
const NEED_TO_KNOW = /^(DATABASE_URL|REDIS_URL|NATS_URL|JWT_|MYSQL_|SMTP_|\w+_SUBGRAPH_(URL|SECRET)$)/;

/** The environment of one service: that of this process, with the addresses and secrets that the service needs. */
export function serviceEnvironment(name: ServiceName, settings: ServiceSettings): NodeJS.ProcessEnv {
  const { ports, env, secrets } = settings;
  const orGiven = (variable: string, value: string) => ({ [variable]: env[variable] || value });
  const secretOf = (of: SubgraphName) => orGiven(`${of.toUpperCase()}_SUBGRAPH_SECRET`, secrets.subgraphs[of]);
  const urlOf = (of: SubgraphName) =>
    orGiven(`${of.toUpperCase()}_SUBGRAPH_URL`, `http://127.0.0.1:${ports[of]}/graphql`);
  const publicKeys = orGiven('JWT_PUBLIC_KEYS', JSON.stringify(secrets.publicKeys));
  const redis = { REDIS_URL: settings.redisUrl };
  const subgraph = eachOf(SUBGRAPHS, (of) => ({
    ...publicKeys,
    ...secretOf(of),
    DATABASE_URL: settings.databaseUrls[of],
    NATS_URL: settings.natsUrl,
  }));
  const own: Record<ServiceName, NodeJS.ProcessEnv> = {
    gateway: Object.assign({}, publicKeys, redis, ...SUBGRAPHS.map(urlOf), ...SUBGRAPHS.map(secretOf)),
    user: { ...subgraph.user, ...redis, ...orGiven('JWT_PRIVATE_KEY', JSON.stringify(secrets.privateKey)) },
    event: { ...subgraph.event, ...redis },
    booking: {
      ...subgraph.booking,
      ...urlOf('event'),
      ...secretOf('event'),
      ...urlOf('user'),
      ...secretOf('user'),
    },
    notification: { ...subgraph.notification, ...given(env, 'SMTP_URL', 'SMTP_TLS') },
  };
  const passed = Object.fromEntries(Object.entries(env).filter(([variable]) => !NEED_TO_KNOW.test(variable)));
  return {
    ...passed,
    ...orGiven('NODE_ENV', 'development'),
    ...orGiven('HOST', '127.0.0.1'),
    PORT: String(ports[name]),
    APOLLO_TELEMETRY_DISABLED: '1',
    ...own[name],
  };
}

const given = (env: NodeJS.ProcessEnv, ...variables: string[]) =>
  Object.fromEntries(variables.flatMap((variable) => (env[variable] ? [[variable, env[variable]]] : [])));
