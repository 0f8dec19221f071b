import { inject } from 'vitest';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { LocalError } from '#scripts/local/settings.ts';
import { eachOf, perSubgraph, SERVICES, type ServiceName } from '#services';
import { PATIENCE } from '../../support/fault-test.ts';
import { startTestSystem, type TestSystem } from '../../support/system.ts';
import { type Galera, startGalera } from './galera.ts';
import { type LoadBalancer, startLoadBalancer } from './haproxy.ts';
import { type NatsCluster, startNatsCluster } from './nats-cluster.ts';
import { type CachePair, startCachePair } from './redis-pair.ts';

/** The whole system without a single point of failure, as processes on this machine. */
export interface Cluster {
  readonly system: TestSystem;
  /** The addresses of the replicas of each service. */
  readonly replicas: Record<ServiceName, readonly string[]>;
  readonly galera: Galera;
  readonly nats: NatsCluster;
  readonly cache: CachePair;
  readonly balancer: LoadBalancer;
  stop(): Promise<void>;
}

/**
 * Starts three database nodes, three NATS servers, a Redis primary with its replica, HAProxy, and two replicas of each
 * service.
 */
export async function startCluster({ env = {} }: { env?: NodeJS.ProcessEnv } = {}): Promise<Cluster> {
  if (inject('servers').database !== 'mariadb')
    throw new LocalError('MySQL has no Galera. Leave out --database mysql.');
  const parts = new AsyncDisposableStack();
  try {
    const [galera, nats, cache] = await Promise.all([startGalera(), startNatsCluster(), startCachePair()]);
    for (const { remove } of [galera, nats, cache]) parts.defer(remove);
    const balancer = await startLoadBalancer({ nodes: galera.nodes, cache });
    parts.defer(balancer.remove);
    const ports = await freePorts(SERVICES);
    const [system] = await Promise.all([
      startTestSystem({
        ports,
        adminUrl: galera.urlAt(balancer.databasePort),
        redisUrl: `redis://127.0.0.1:${balancer.redisPort}/0`,
        natsUrl: nats.url,
        env: {
          ...PATIENCE,
          NATS_REPLICAS: '3',
          ...perSubgraph('URL', (name) => `${balancer.urls[name]}/graphql`),
          ...env,
        },
      }),
      ...SERVICES.map((name) => balancer.setReplicas(name, [`http://127.0.0.1:${ports[name]}`])),
    ]);
    parts.defer(system.stop);
    const second = await Promise.all(SERVICES.map((name) => system.startReplica(name)));
    const replicas = eachOf(SERVICES, (name) => [system.urls[name], second[SERVICES.indexOf(name)] ?? '']);
    await Promise.all(SERVICES.map((name) => balancer.setReplicas(name, replicas[name])));
    const started = parts.move();
    return {
      system: { ...system, graphqlUrl: `${balancer.urls.gateway}/graphql` },
      replicas,
      galera,
      nats,
      cache,
      balancer,
      stop: () => started.disposeAsync(),
    };
  } catch (error) {
    await parts.disposeAsync();
    throw error;
  }
}
