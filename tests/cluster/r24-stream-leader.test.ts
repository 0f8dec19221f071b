import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StreamDefinition } from '#platform/messaging/broker.ts';
import { connectTo } from '../support/invariants.ts';
import { openStreams, type Streams } from '../support/streams.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { type ClusterLoad, startLoad } from './support/load.ts';

/** NATS elects a new leader 4 to 9 s after the last sign of the old one. This is not configurable. */
const ELECTION_MS_MAX = 12_000;
/** The time from the election to the first publication. */
const PUBLISH_MS_MAX = 3_000;
/** The number of messages that the outbox must hold while two servers are away. */
const HELD_MIN = 200;
const SOON = { timeout: 30_000, interval: 50 };

describe('R24: NATS servers are killed during a sale', () => {
  let cluster: Cluster;
  let load: ClusterLoad;
  let streams: Streams;
  let bookings: Connection;
  beforeAll(async () => {
    cluster = await startCluster();
    streams = openStreams(cluster.system);
    bookings = await connectTo(cluster.system.databaseUrls.booking);
    load = await startLoad(cluster.system);
  });
  afterAll(async () => {
    await load?.close();
    await bookings?.end();
    await streams?.close();
    await cluster?.stop();
  });

  /** The number of messages with or without a publication that were written since a time of the database. */
  async function countMessages(state: 'published' | 'waiting', since = '1970-01-01'): Promise<number> {
    const condition = state === 'published' ? 'IS NOT NULL' : 'IS NULL';
    const [row] = await bookings.query<{ count: bigint }[]>(
      `SELECT COUNT(*) AS count FROM outbox WHERE published_at ${condition} AND created_at > ?`,
      [since],
    );
    return Number(row?.count);
  }
  const leaderOf = async (stream: string) => (await streams.info(stream)).cluster?.leader;
  const serverNamed = (name: string | undefined) => cluster.nats.servers.find((server) => server.name === name);

  /** Creates a stream with one replica on a server. Returns how to publish in it. */
  async function createSingleStream(server: string | undefined): Promise<() => Promise<unknown>> {
    for (let number = 1; ; number += 1) {
      const type = `control${number}.message`;
      const stream: StreamDefinition = { name: `CONTROL${number}`, subjects: [type], consumers: [], bytesMax: 2 ** 20 };
      await streams.broker.ensureStream(stream);
      if ((await leaderOf(stream.name)) !== server) continue;
      return async () => (await streams.broker.jetStream()).client.publish(streams.broker.subject(type));
    }
  }

  it('publishing goes on when the stream has a new leader, and no request fails', async ({ annotate }) => {
    const leader = await leaderOf('BOOKINGS');
    const publishInSingleStream = await createSingleStream(leader);
    await publishInSingleStream();

    await serverNamed(leader)?.kill();
    const killedAtMs = performance.now();
    const [clock] = await bookings.query<{ now: string }[]>('SELECT CAST(CURRENT_TIMESTAMP(3) AS CHAR) AS now');
    const afterMs = async (condition: () => Promise<unknown>) => {
      await vi.waitFor(condition, SOON);
      return performance.now() - killedAtMs;
    };
    const [electedMs, publishedMs] = await Promise.all([
      afterMs(async () => expect(await leaderOf('BOOKINGS')).not.toBe(leader)),
      afterMs(async () => expect(await countMessages('published', clock?.now)).toBeGreaterThan(0)),
    ]);
    // The control: a stream with one replica is away as long as its server is.
    await expect(publishInSingleStream()).rejects.toThrow();

    await annotate(`elected after ${Math.round(electedMs)} ms, published after ${Math.round(publishedMs)} ms`);
    expect(electedMs).toBeLessThan(ELECTION_MS_MAX);
    expect(publishedMs - electedMs).toBeLessThan(PUBLISH_MS_MAX);
    await serverNamed(leader)?.start();
    await load.served(60);
    expect(load.notServedSince()).toEqual([]);
  });

  it('with two of three servers away no request fails, and the outbox keeps the messages', async ({ annotate }) => {
    const [one, two] = cluster.nats.servers;
    const killedAtMs = load.history.nowMs();
    await Promise.all([one?.kill(), two?.kill()]);
    const [clock] = await bookings.query<{ now: string }[]>('SELECT CAST(CURRENT_TIMESTAMP(3) AS CHAR) AS now');
    await vi.waitFor(async () => expect(await countMessages('waiting')).toBeGreaterThan(HELD_MIN), SOON);
    expect(await countMessages('published', clock?.now)).toBe(0);
    await Promise.all([one?.start(), two?.start()]);
    await annotate(await load.settle(killedAtMs));
    expect(load.notServedSince()).toEqual([]);
  });
});
