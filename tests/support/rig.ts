import { inject } from 'vitest';
import { createProxy, type TestProxy } from '#platform/testing/proxy.ts';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { eachOf, perSubgraph, SERVICES, SUBGRAPHS, type SubgraphName } from '#services';
import type { History } from './history.ts';
import type { OpenLoop } from './open-loop.ts';
import { startTestSystem, type TestSystem } from './system.ts';

/** What a proxy stands in front of: a server, one subgraph's database, or a service. */
export type Target = 'Redis' | 'broker' | `${SubgraphName} database` | 'gateway' | SubgraphName;

export const DATABASES = SUBGRAPHS.map((name) => `${name} database` as const);
const TARGETS: readonly Target[] = ['Redis', 'broker', ...DATABASES, ...SERVICES];

/** A system in which every connection between a client, a service and a server goes through a proxy of the test. */
export interface Rig {
  readonly system: TestSystem;
  readonly proxies: Readonly<Record<Target, TestProxy>>;
  stop(): Promise<void>;
}

/** A rig with a load, and what is on sale. */
export interface Scene extends Rig {
  readonly history: History;
  readonly load: OpenLoop;
  /** The events on sale. The first one sells out. */
  readonly eventIds: readonly string[];
}

export type RigOptions = Omit<NonNullable<Parameters<typeof startTestSystem>[0]>, 'databaseHost' | 'ports'> & {
  /** Gets the proxies before any service is started. */
  beforeStart?: (proxies: Rig['proxies']) => void;
};

export async function startRig({ beforeStart, env, ...options }: RigOptions): Promise<Rig> {
  const { adminUrl, redisUrl, natsUrl } = inject('servers');
  const ports = await freePorts(SERVICES);
  const urlOf = (target: Target): string => {
    if (target === 'Redis') return redisUrl;
    if (target === 'broker') return natsUrl;
    return target.endsWith('database') ? adminUrl : `http://127.0.0.1:${ports[target as SubgraphName | 'gateway']}`;
  };
  const list = await Promise.all(TARGETS.map((target) => createProxy(urlOf(target))));
  const proxies = eachOf(TARGETS, (target) => list[TARGETS.indexOf(target)] as TestProxy);
  beforeStart?.(proxies);
  const system = await startTestSystem({
    ...options,
    ports,
    redisUrl: proxies.Redis.url,
    natsUrl: proxies.broker.url,
    databaseHost: eachOf(SUBGRAPHS, (name) => new URL(proxies[`${name} database`].url).host),
    env: { ...perSubgraph('URL', (name) => `${proxies[name].url}graphql`), ...env },
  });
  return {
    // The harness itself reaches the broker directly.
    system: { ...system, natsUrl, graphqlUrl: `${proxies.gateway.url}graphql` },
    proxies,
    async stop() {
      await system.stop();
      for (const proxy of list) proxy.close();
    },
  };
}
