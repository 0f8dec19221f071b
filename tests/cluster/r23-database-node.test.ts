import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedPids } from '#scripts/local/processes/processes.ts';
import { createBookingProcess } from '../support/booking-process.ts';
import { type Buyer, signInMany } from '../support/buyers.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { type ClusterLoad, startLoad } from './support/load.ts';

const RECOVERY_MS_MAX = 10_000;

describe('R23: the writing database node is killed during a sale', () => {
  let cluster: Cluster;
  let load: ClusterLoad;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(async () => {
    await load?.close();
    await cluster?.stop();
  });

  it('no acknowledged booking is lost or doubled, and all requests succeed again within 10 s', async ({ annotate }) => {
    const { system, galera, balancer } = cluster;
    const writer = await balancer.writer();
    const killed = galera.nodes.find(({ name }) => name === writer);
    // The control: without the load balancer, a process depends on one node.
    const direct = Object.assign(new URL(system.databaseUrls.booking), { port: killed?.port }).href;
    const control = createBookingProcess(
      await system.startReplica('booking', { databaseUrl: direct }),
      system.secrets.subgraphs.booking,
    );
    const pids = recordedPids(system.dataDir);
    load = await startLoad(system);
    await load.served(60);
    expect(load.notServedSince()).toEqual([]);

    const killedAtMs = load.history.nowMs();
    await killed?.kill();
    await load.served(600);
    expect(await balancer.writer()).not.toBe(writer);
    const [buyer] = await signInMany(1, system.secrets);
    const input = { eventId: load.eventId, seatCount: 1, idempotencyKey: 'at-the-killed-node' };
    expect(await control.book(buyer as Buyer, input)).toEqual({ outcome: 'unknown' });
    await control.close();

    await annotate(await load.settle(killedAtMs));
    expect(load.notServedSince(killedAtMs + RECOVERY_MS_MAX)).toEqual([]);
    expect(recordedPids(system.dataDir)).toEqual(pids);
  });
});
