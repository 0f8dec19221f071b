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

/** What it takes to see a system from outside. */
export interface RunningSystem {
  /** Where clients send their operations. */
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
  /** What goes before the subjects of its messages. */
  natsPrefix: string;
  /** Where its logs, pid files and keys are. */
  dataDir: string;
  services: Services;
  secrets: Secrets;
  /**
   * Starts one more process of a service on the same databases, cache and messages, or with its own way to them;
   * answers its address.
   */
  startReplica(name: ServiceName, way?: { databaseUrl?: string; natsUrl?: string }): Promise<string>;
  /** A database's address with every right; the services may read and write, not change the schema. */
  ownerUrl(name: SubgraphName): string;
  /** SIGTERM for the process at an address. */
  terminate(url: string): void;
  /** SIGKILL for the process at an address. */
  kill(url: string): void;
  /** SIGSTOP and SIGCONT for the process at an address: a machine that hangs for a while. */
  pause(url: string): void;
  resume(url: string): void;
}

/**
 * The system that TEST_GRAPHQL_URL and TEST_DATABASE_URL_USER name, as scripts/verify-images.sh does, which goes on; one
 * of the test's own without them.
 */
export async function openTestSystem(): Promise<RunningSystem> {
  const { TEST_GRAPHQL_URL: graphqlUrl, TEST_DATABASE_URL_USER: user = '' } = process.env;
  return graphqlUrl ? { graphqlUrl, databaseUrls: { user }, stop: async () => undefined } : startTestSystem();
}

/**
 * Starts the gateway and the four subgraphs on free ports, with databases, cache and messages apart from those of any
 * other test, and waits until all are ready.
 * @param env for every service, on top of that of the tests.
 * @param production whether they run in production mode, where rate limits cannot be off: they are out of reach then.
 * @param adminUrl a database server of the test's own, as the account that may do everything.
 * @param redisUrl a cache of the test's own.
 * @param natsUrl a broker of the test's own, which need not be there yet.
 * @param databaseHost host and port of a proxy through which the services reach their databases.
 */
export async function startTestSystem({
  env = {},
  production = false,
  adminUrl = inject('servers').adminUrl,
  redisUrl = `${inject('servers').redisUrl}/${randomInt(1, 1_024)}`,
  natsUrl = inject('servers').natsUrl,
  databaseHost = new URL(adminUrl).host,
}: {
  env?: NodeJS.ProcessEnv;
  production?: boolean;
  adminUrl?: string;
  redisUrl?: string;
  natsUrl?: string;
  databaseHost?: string;
} = {}): Promise<TestSystem> {
  const { dataDir } = inject('servers');
  const id = `t${randomBytes(4).toString('hex')}`;
  const databases = await Promise.all(SUBGRAPHS.map((name) => createTestDatabase(name, adminUrl)));
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
      // Whatever the shell says: tests send no mail to anybody.
      SMTP_URL: '',
      NATS_SUBJECT_PREFIX: `${id}.`,
      // They all come from one address.
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
  services.start(...SERVICES);
  try {
    await services.waitUntilReady();
  } catch (error) {
    await stop();
    throw error;
  }
  const urls = eachOf(SERVICES, (name) => urlOf(ports[name]));
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
    ownerUrl: (name) => databases[SUBGRAPHS.indexOf(name)]?.url ?? '',
    terminate: (url) => signal(url, 'SIGTERM'),
    kill: (url) => signal(url, 'SIGKILL'),
    pause: (url) => signal(url, 'SIGSTOP'),
    resume: (url) => signal(url, 'SIGCONT'),
    stop,
  };
}

const urlOf = (port: number) => `http://127.0.0.1:${port}`;
