import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KEEP_ALIVE_MS } from '#platform/clients/graphql-client.ts';
import { applyMigrations } from '#platform/database/migrations.ts';
import { root } from '#scripts/local/settings.ts';
import { SERVICES } from '#services';
import { openStreams } from '../support/streams.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { untilSynced } from './support/galera.ts';
import { type ClusterLoad, startLoad } from './support/load.ts';

/** Longer than the clients keep idle connections, as in Kubernetes. */
const DRAIN_DELAY_MS = KEEP_ALIVE_MS + 2_000;
const SOON = { timeout: 60_000, interval: 100 };
/** An addition that the running version does not know, see docs/operations/upgrades.md. */
const EXPANSION = 'ALTER TABLE bookings ADD COLUMN remark VARCHAR(64) NULL, ALGORITHM=INSTANT;';

describe('R27: everything is upgraded during a sale', () => {
  let cluster: Cluster;
  let load: ClusterLoad;
  let migrations: string;
  beforeAll(async () => {
    migrations = mkdtempSync(join(tmpdir(), 'ebs-migrations-'));
    cluster = await startCluster({ env: { DRAIN_DELAY_MS: String(DRAIN_DELAY_MS) } });
    load = await startLoad(cluster.system);
  });
  afterAll(async () => {
    await load?.close();
    rmSync(migrations, { recursive: true, force: true });
    await cluster?.stop();
  });

  it('a migration adds a column: no request fails', async () => {
    cpSync(join(root, 'prisma/booking/migrations'), migrations, { recursive: true });
    mkdirSync(join(migrations, '99990101000000_remark'));
    writeFileSync(join(migrations, '99990101000000_remark', 'migration.sql'), EXPANSION);
    const { applied } = await applyMigrations({ url: cluster.system.ownerUrl('booking'), folder: migrations });
    expect(applied).toEqual(['99990101000000_remark']);
    await load.served(60);
    expect(load.notServedSince()).toEqual([]);
  });

  it('both replicas of each service are replaced, one at a time: no request fails', { timeout: 240_000 }, async () => {
    const { system, balancer, replicas } = cluster;
    // From now on new connections lead to another node. The connections of the old processes stay where they are.
    await balancer.moveWriter('b');
    for (const _replica of [1, 2]) {
      await Promise.all(
        SERVICES.map(async (name) => {
          replicas[name] = [...replicas[name], await system.startReplica(name)];
          await balancer.setReplicas(name, replicas[name]);
        }),
      );
      const old = SERVICES.map((name) => replicas[name][0] ?? '');
      for (const url of old) system.terminate(url);
      await vi.waitFor(async () => {
        for (const url of old) expect(await fetch(`${url}/health`).catch(() => 'gone')).toBe('gone');
      }, SOON);
      for (const name of SERVICES) {
        replicas[name] = replicas[name].slice(1);
        await balancer.setReplicas(name, replicas[name]);
      }
    }
    await load.served(60);
    expect(load.notServedSince()).toEqual([]);
  });

  it('the database nodes without connections, the NATS servers and Redis restart, one at a time: no request fails', async () => {
    const { system, galera, nats, cache, balancer } = cluster;
    for (const node of galera.nodes.filter(({ name }) => name !== 'b')) {
      await node.stop();
      await node.start();
      await untilSynced(node);
    }
    const streams = openStreams(system);
    for (const server of nats.servers) {
      await server.stop();
      await server.start();
      await vi.waitFor(async () => {
        const { cluster: group } = await streams.info('BOOKINGS');
        expect(group?.replicas?.map(({ current }) => current)).toEqual([true, true]);
      }, SOON);
    }
    await streams.close();
    for (const server of cache.servers) {
      await server.stop();
      await server.start();
      await vi.waitFor(async () => expect(await balancer.serversUp('redis')).toHaveLength(1), SOON);
    }
    await load.served(60);
    expect(load.notServedSince()).toEqual([]);
  });

  it('nothing is lost or doubled', async ({ annotate }) => {
    await annotate(await load.settle(0));
  });
});
