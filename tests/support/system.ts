import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, vi } from 'vitest';
import { createTestDatabase } from '#platform/testing/database.ts';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { createSecrets, loadSecrets, type Secrets } from '#scripts/local/secrets.ts';
import { createServices, type Services } from '#scripts/local/services/services.ts';
import { eachOf, SERVICES, type ServiceName, SUBGRAPHS, type SubgraphName } from '#services';

const SOON = { timeout: 60_000, interval: 100 };
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
  /** Starts a service again on its port when its killed process has ended, and waits until it is ready. */
  restart(name: ServiceName): Promise<void>;
  /** True until the process at an address has ended. */
  isRunning(url: string): boolean;
  /** Sends SIGSTOP to the process at an address, as if its machine hung. */
  pause(url: string): void;
  /** Sends SIGCONT to the process at an address. */
  resume(url: string): void;
}

/**
 * Opens the running system at TEST_GRAPHQL_URL and TEST_DATABASE_URL_USER, which tests/images/verify.sh sets.
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
 * @param databaseHost host and port of a proxy through which the services reach their databases, or one for each.
 * @param ports the ports of the services.
 * @param startOrder the order in which the services are started, without a wait between them.
 * @param awaitReady whether to wait until all services are ready.
 * @param restore fills a database at the URL of its owner before the services start, such as from a backup.
 */
export async function startTestSystem({
  env = {},
  production = false,
  adminUrl = inject('servers').adminUrl,
  redisUrl = `${inject('servers').redisUrl}/${randomInt(1, 1_024)}`,
  natsUrl = inject('servers').natsUrl,
  databaseHost = new URL(adminUrl).host,
  ports: givenPorts,
  startOrder = SERVICES,
  awaitReady = true,
  restore,
}: {
  env?: NodeJS.ProcessEnv;
  production?: boolean;
  adminUrl?: string;
  redisUrl?: string;
  natsUrl?: string;
  databaseHost?: string | Readonly<Record<SubgraphName, string>>;
  ports?: Record<ServiceName, number>;
  startOrder?: readonly ServiceName[];
  awaitReady?: boolean;
  restore?: (name: SubgraphName, url: string) => Promise<void>;
} = {}): Promise<TestSystem> {
  const { dataDir } = inject('servers');
  const id = `t${randomBytes(4).toString('hex')}`;
  const databases = await Promise.all(SUBGRAPHS.map((name) => createTestDatabase(name, adminUrl)));
  const ownerUrl = (name: SubgraphName) => databases[SUBGRAPHS.indexOf(name)]?.url ?? '';
  await Promise.all(SUBGRAPHS.map((name) => restore?.(name, ownerUrl(name))));
  const databaseUrls = eachOf(SUBGRAPHS, (name) => databases[SUBGRAPHS.indexOf(name)]?.serviceUrl ?? '');
  const hosts = typeof databaseHost === 'string' ? eachOf(SUBGRAPHS, () => databaseHost) : databaseHost;
  const ports = givenPorts ?? (await freePorts(SERVICES));
  const secrets = production ? await createSecrets('') : await loadSecrets(dataDir);
  const settings = {
    dataDir,
    databaseUrls: eachOf(SUBGRAPHS, (name) => Object.assign(new URL(databaseUrls[name]), { host: hosts[name] }).href),
    redisUrl,
    natsUrl,
    secrets,
    env: {
      ...process.env,
      // Tests send no mail, even if the shell sets SMTP_URL.
      SMTP_URL: '',
      // Only the tests of the box office build it.
      BOX_OFFICE: 'off',
      NATS_SUBJECT_PREFIX: `${id}.`,
      // All clients of the tests have the same address.
      ...(production ? PRODUCTION_ENV : { RATE_LIMITS: 'off' }),
      ...env,
    },
  };
  const services = createServices({ ...settings, ports, prefix: `${id}-` });
  const replicas: Services[] = [];
  const pidFiles = new Map(SERVICES.map((name) => [urlOf(ports[name]), `${id}-${name}.pid`]));

  const pidFileOf = (url: string) => join(dataDir, 'run', pidFiles.get(url) ?? '');

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
    const pid = readFileSync(pidFileOf(url), 'utf8');
    process.kill(Number.parseInt(pid, 10), name);
  }
  const isRunning = (url: string) => existsSync(pidFileOf(url));
  async function restart(name: ServiceName): Promise<void> {
    await vi.waitFor(() => expect(isRunning(urls[name])).toBe(false), SOON);
    services.start(name);
    await vi.waitFor(async () => expect((await fetch(`${urls[name]}/ready`)).status).toBe(200), SOON);
  }
  const urls = eachOf(SERVICES, (name) => urlOf(ports[name]));
  const stop = async () => {
    await Promise.all([services, ...replicas].map((one) => one.stop()));
    await Promise.all(databases.map((database) => database.drop()));
  };
  services.start(...startOrder);
  try {
    if (awaitReady) await services.waitUntilReady();
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
    restart,
    isRunning,
    ownerUrl,
    terminate: (url) => signal(url, 'SIGTERM'),
    kill: (url) => signal(url, 'SIGKILL'),
    pause: (url) => signal(url, 'SIGSTOP'),
    resume: (url) => signal(url, 'SIGCONT'),
    stop,
  };
}

const urlOf = (port: number) => `http://127.0.0.1:${port}`;

/** When each service was started, by its own account. */
export async function startTimesOf({ urls }: TestSystem): Promise<Record<ServiceName, string | undefined>> {
  const texts = await Promise.all(SERVICES.map(async (name) => (await fetch(`${urls[name]}/metrics`)).text()));
  return eachOf(
    SERVICES,
    (name) => /^process_start_time_seconds.* (\S+)$/m.exec(texts[SERVICES.indexOf(name)] ?? '')?.[1],
  );
}
