import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { createTestDatabase } from '#platform/testing/database.ts';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { createSecrets, loadSecrets, type Secrets } from '#scripts/local/secrets.ts';
import { createServices, type Services } from '#scripts/local/services/services.ts';
import { eachOf, SERVICES, type ServiceName, SUBGRAPHS, type SubgraphName } from '#services';

const PRODUCTION_ENV = {
  NODE_ENV: 'production',
  RATE_LIMIT_USER: '1000000',
  RATE_LIMIT_ADDRESS: '1000000',
  SIGN_IN_LIMIT_ADDRESS: '1000000',
  SIGN_UP_LIMIT_ADDRESS: '1000000',
};

/** A running system as a client sees it. */
export interface RunningSystem {
  /** The GraphQL address of the gateway. */
  graphqlUrl: string;
  databaseUrls: Pick<Record<SubgraphName, string>, 'user'>;
  stop(): Promise<void>;
}

export interface TestSystem extends RunningSystem {
  /** Each service's address, without a path. */
  urls: Record<ServiceName, string>;
  databaseUrls: Record<SubgraphName, string>;
  redisUrl: string;
  natsUrl: string;
  /** The prefix of its message subjects. */
  natsPrefix: string;
  /** The folder of its logs, pid files and keys. */
  dataDir: string;
  services: Services;
  secrets: Secrets;
  /**
   * Starts one more process of a service on the same databases, cache and broker. `way` replaces the address of the
   * database or of the broker. Returns the address of the process.
   */
  startReplica(name: ServiceName, way?: { databaseUrl?: string; natsUrl?: string }): Promise<string>;
  /** Returns the URL of a database with the account that may change the schema. The services' accounts may not. */
  ownerUrl(name: SubgraphName): string;
  /** Sends SIGTERM to the process at an address. */
  terminate(url: string): void;
  /** Sends SIGKILL to the process at an address. */
  kill(url: string): void;
  /** Sends SIGSTOP to the process at an address, as if its machine hung. */
  pause(url: string): void;
  /** Sends SIGCONT to the process at an address. */
  resume(url: string): void;
}

/**
 * Opens the running system at TEST_GRAPHQL_URL and TEST_DATABASE_URL_USER, which scripts/verify-images.sh sets.
 * `stop` leaves that system running. Without the variables it starts a new system.
 */
export async function openTestSystem(): Promise<RunningSystem> {
  const { TEST_GRAPHQL_URL: graphqlUrl, TEST_DATABASE_URL_USER: user = '' } = process.env;
  return graphqlUrl ? { graphqlUrl, databaseUrls: { user }, stop: async () => undefined } : startTestSystem();
}

/**
 * Starts the gateway and the four subgraphs on free ports and waits until all are ready. Their databases, cache and
 * messages are separate from those of other tests.
 * @param env variables for every service. They override the defaults of the tests.
 * @param production whether the services run in production mode. Rate limits cannot be off there and are very high.
 * @param adminUrl another database server, with the account that has all rights.
 * @param redisUrl another cache.
 * @param natsUrl another broker, which may still be down.
 * @param databaseHost host and port of a proxy through which the services reach their databases.
 * @param restore fills a database at the URL of its owner before the services start, such as from a backup.
 * @param onStart gets the addresses of the started services, which may not be ready yet, such as for a load balancer.
 */
export async function startTestSystem({
  env = {},
  production = false,
  adminUrl = inject('servers').adminUrl,
  redisUrl = `${inject('servers').redisUrl}/${randomInt(1, 1_024)}`,
  natsUrl = inject('servers').natsUrl,
  databaseHost = new URL(adminUrl).host,
  restore,
  onStart,
}: {
  env?: NodeJS.ProcessEnv;
  production?: boolean;
  adminUrl?: string;
  redisUrl?: string;
  natsUrl?: string;
  databaseHost?: string;
  restore?: (name: SubgraphName, url: string) => Promise<void>;
  onStart?: (urls: Record<ServiceName, string>) => Promise<void>;
} = {}): Promise<TestSystem> {
  const { dataDir } = inject('servers');
  const id = `t${randomBytes(4).toString('hex')}`;
  const databases = await Promise.all(SUBGRAPHS.map((name) => createTestDatabase(name, adminUrl)));
  const ownerUrl = (name: SubgraphName) => databases[SUBGRAPHS.indexOf(name)]?.url ?? '';
  await Promise.all(SUBGRAPHS.map((name) => restore?.(name, ownerUrl(name))));
  const databaseUrls = eachOf(SUBGRAPHS, (name) => databases[SUBGRAPHS.indexOf(name)]?.serviceUrl ?? '');
  const ports = await freePorts(SERVICES);
  const secrets = production ? await createSecrets('') : await loadSecrets(dataDir);
  const settings = {
    dataDir,
    databaseUrls: eachOf(SUBGRAPHS, (name) => Object.assign(new URL(databaseUrls[name]), { host: databaseHost }).href),
    redisUrl,
    natsUrl,
    secrets,
    env: {
      ...process.env,
      // Tests send no mail, even if the shell sets SMTP_URL.
      SMTP_URL: '',
      NATS_SUBJECT_PREFIX: `${id}.`,
      // All clients of the tests have the same address.
      ...(production ? PRODUCTION_ENV : { RATE_LIMITS: 'off' }),
      ...env,
    },
  };
  const services = createServices({ ...settings, ports, prefix: `${id}-` });
  const replicas: Services[] = [];
  const pidFiles = new Map(SERVICES.map((name) => [urlOf(ports[name]), `${id}-${name}.pid`]));

  async function startReplica(
    name: ServiceName,
    { databaseUrl, natsUrl: url = natsUrl }: { databaseUrl?: string; natsUrl?: string } = {},
  ): Promise<string> {
    const { port } = await freePorts(['port']);
    const prefix = `${id}-${replicas.length + 2}-`;
    const way = {
      databaseUrls: { ...settings.databaseUrls, ...(databaseUrl && { [name]: databaseUrl }) },
      natsUrl: url,
    };
    const replica = createServices({ ...settings, ...way, ports: { ...ports, [name]: port }, prefix });
    replicas.push(replica);
    replica.start(name);
    await replica.waitUntilReady();
    pidFiles.set(urlOf(port), `${prefix}${name}.pid`);
    return urlOf(port);
  }
  function signal(url: string, name: NodeJS.Signals): void {
    const pid = readFileSync(join(dataDir, 'run', pidFiles.get(url) ?? ''), 'utf8');
    process.kill(Number.parseInt(pid, 10), name);
  }
  const stop = async () => {
    await Promise.all([services, ...replicas].map((one) => one.stop()));
    await Promise.all(databases.map((database) => database.drop()));
  };
  const urls = eachOf(SERVICES, (name) => urlOf(ports[name]));
  services.start(...SERVICES);
  try {
    await onStart?.(urls);
    await services.waitUntilReady();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    graphqlUrl: `${urls.gateway}/graphql`,
    urls,
    databaseUrls,
    redisUrl,
    natsUrl,
    natsPrefix: `${id}.`,
    dataDir,
    services,
    secrets,
    startReplica,
    ownerUrl,
    terminate: (url) => signal(url, 'SIGTERM'),
    kill: (url) => signal(url, 'SIGKILL'),
    pause: (url) => signal(url, 'SIGSTOP'),
    resume: (url) => signal(url, 'SIGCONT'),
    stop,
  };
}

const urlOf = (port: number) => `http://127.0.0.1:${port}`;
