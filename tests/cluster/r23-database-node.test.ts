import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedPids } from '#scripts/local/processes/processes.ts';
import { createBookingProcess } from '../support/booking-process.ts';
import { signInMany } from '../support/buyers.ts';
import { expectNothingLostNorDoubled } from '../support/invariants.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { inviteShoppers } from './support/shoppers.ts';

const RECOVERY_MS_MAX = 10_000;

describe('R23: the writing database node is killed during a sale', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

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
    const shoppers = await inviteShoppers(system);
    await shoppers.booked(30);
    expect(shoppers.failedSince()).toEqual([]);

    const killedAtMs = performance.now();
    await killed?.kill();
    await shoppers.booked(300);
    expect(await balancer.writer()).not.toBe(writer);
    const [buyer] = await signInMany(1, system.secrets);
    const input = { eventId: shoppers.eventId, seatCount: 1, idempotencyKey: 'at-the-killed-node' };
    expect(await control.book(buyer as never, input)).toEqual({ outcome: 'unknown' });
    await control.close();
    const acknowledged = await shoppers.leave();

    await annotate(shoppers.summary(killedAtMs));
    expect(shoppers.failedSince(killedAtMs + RECOVERY_MS_MAX)).toEqual([]);
    expect(recordedPids(system.dataDir)).toEqual(pids);
    await expectNothingLostNorDoubled(system, { acknowledged });
  });
});
