import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SERVICES, type ServiceName } from '#services';
import { anonymous } from '../support/client.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { type ClusterLoad, startLoad } from './support/load.ts';

/** A request that is sent later than this after a kill must not fail. Until then it can meet a connection that closes. */
const IN_FLIGHT_MS = 500;
const SOON = { timeout: 30_000, interval: 50 };

describe('R25: one process is killed during a sale', () => {
  let cluster: Cluster;
  let load: ClusterLoad;
  beforeAll(async () => {
    cluster = await startCluster();
    load = await startLoad(cluster.system);
  });
  afterAll(async () => {
    await load?.close();
    await cluster?.stop();
  });

  /** Kills the replica at an address. Returns the time of the kill. */
  async function kill(name: ServiceName, url: string): Promise<number> {
    const { system, balancer } = cluster;
    const left = (await balancer.serversUp(name)).length - 1;
    const killedAtMs = load.history.nowMs();
    system.kill(url);
    await vi.waitFor(async () => expect(await balancer.serversUp(name)).toHaveLength(left), SOON);
    return killedAtMs;
  }

  it.for(SERVICES)('a replica of the %s service: only its requests in flight fail', async (name, { annotate }) => {
    const failedBefore = load.notServedSince().length;
    const killedAtMs = await kill(name, cluster.replicas[name][1] ?? '');
    await load.served(150);
    await annotate(`requests in flight that failed: ${load.notServedSince().length - failedBefore}`);
    expect(load.notServedSince(killedAtMs + IN_FLIGHT_MS)).toEqual([]);
  });

  it('the primary of Redis: no request fails, and the replica takes over', async ({ annotate }) => {
    const { system, cache, balancer } = cluster;
    const failedBefore = load.notServedSince();
    const killedAtMs = performance.now();
    await cache.servers[0]?.kill();
    await vi.waitFor(async () => expect(await balancer.serversUp('redis')).toEqual(['2']), SOON);
    const query = 'query ($id: ID!) { event(id: $id) { cached } }';
    await vi.waitFor(async () => {
      const { data } = await anonymous(system.graphqlUrl).send(query, { id: load.eventId });
      expect(data.event.cached).toBe(true);
    }, SOON);
    await annotate(`cached answers again after ${Math.round(performance.now() - killedAtMs)} ms`);
    await load.served(60);
    expect(load.notServedSince()).toEqual(failedBefore);
  });

  it('nothing is lost or doubled, also when the last replica is killed and requests fail (the control)', async ({
    annotate,
  }) => {
    const { system, balancer, replicas } = cluster;
    const killedAtMs = await kill('booking', replicas.booking[0] ?? '');
    await vi.waitFor(() => expect(load.notServedSince(killedAtMs + IN_FLIGHT_MS).length).toBeGreaterThan(10), SOON);
    await balancer.setReplicas('booking', [await system.startReplica('booking')]);
    await load.served(90);
    await annotate(await load.settle(killedAtMs));
  });
});
