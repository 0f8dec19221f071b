import { randomBytes, randomInt } from 'node:crypto';
import { inject } from 'vitest';
import { createTestDatabase } from '#platform/testing/database.ts';
import { freePorts } from '#scripts/local/ports.ts';
import { loadSecrets } from '#scripts/local/secrets.ts';
import { createServices, type Services } from '#scripts/local/services.ts';
import { eachOf, type ServiceName, SUBGRAPHS, type SubgraphName } from '#scripts/local/settings.ts';

const SERVICES = ['gateway', ...SUBGRAPHS] as const;

export interface TestSystem {
  /** Where clients send their operations. */
  graphqlUrl: string;
  /** Each service's address, without a path. */
  urls: Record<ServiceName, string>;
  databaseUrls: Record<SubgraphName, string>;
  /** What goes before the subjects of its messages. */
  natsPrefix: string;
  services: Services;
  stop(): Promise<void>;
}

/**
 * Starts the gateway and the four subgraphs on free ports, with databases, cache and messages apart from those of any
 * other test, and waits until all are ready.
 * @param env for every service, on top of that of the tests.
 * @param natsUrl a broker of the test's own, which need not be there yet.
 */
export async function startTestSystem({
  env = {},
  natsUrl = inject('servers').natsUrl,
}: {
  env?: NodeJS.ProcessEnv;
  natsUrl?: string;
} = {}): Promise<TestSystem> {
  const { dataDir, redisUrl } = inject('servers');
  const id = `t${randomBytes(4).toString('hex')}`;
  const databases = await Promise.all(SUBGRAPHS.map((name) => createTestDatabase(name)));
  const databaseUrls = eachOf(SUBGRAPHS, (name) => databases[SUBGRAPHS.indexOf(name)]?.url ?? '');
  const ports = await freePorts(SERVICES);
  const services = createServices({
    dataDir,
    ports,
    databaseUrls,
    redisUrl: `${redisUrl}/${randomInt(1, 1_024)}`,
    natsUrl,
    secrets: await loadSecrets(dataDir),
    env: { ...process.env, NATS_SUBJECT_PREFIX: `${id}.`, ...env },
    prefix: `${id}-`,
  });
  const stop = async () => {
    await services.stop();
    await Promise.all(databases.map((database) => database.drop()));
  };
  services.start(...SERVICES);
  try {
    await services.waitUntilReady();
  } catch (error) {
    await stop();
    throw error;
  }
  const urls = eachOf(SERVICES, (name) => `http://127.0.0.1:${ports[name]}`);
  return { graphqlUrl: `${urls.gateway}/graphql`, urls, databaseUrls, natsPrefix: `${id}.`, services, stop };
}
