import { nanos } from 'nats';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProxy } from '#platform/testing/proxy.ts';
import { connectTo, expectNothingLostNorDoubled } from '../support/invariants.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { openStreams, type Streams } from '../support/streams.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const SOON = { timeout: 10_000, interval: 50 };
const BOOKINGS = 300;
const CONSUMER = 'notification-bookings';
/** How long the broker waits for an acknowledgement; 30 s by default. */
const ACK_WAIT_MS = 1_000;

describe('R7: two replicas of a consumer', () => {
  let system: TestSystem;
  let sale: Sale;
  let streams: Streams;
  const cleanUps: (() => void)[] = [];

  beforeAll(async () => {
    system = await startTestSystem();
    sale = await openSale(system);
    streams = openStreams(system);
  });
  afterAll(async () => {
    await streams?.close();
    await sale?.close();
    await system?.stop();
    for (const cleanUp of cleanUps) cleanUp();
  });

  /** Starts a replica that reaches the database and the broker through proxies, and waits until it is ready. */
  async function startDoomed() {
    const database = await createProxy(system.databaseUrls.notification);
    const messages = await createProxy(system.natsUrl);
    cleanUps.push(database.close, messages.close);
    const url = await system.startReplica('notification', { databaseUrl: database.url, natsUrl: messages.url });
    await vi.waitFor(
      async () => expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ status: 'ready' }),
      SOON,
    );
    const manager = await streams.manager();
    const { stream_name, name } = await streams.consumer('BOOKINGS', CONSUMER);
    await manager.consumers.update(stream_name, name, { ack_wait: nanos(ACK_WAIT_MS) });
    return { url, database, messages };
  }

  /** The number of messages with a committed effect, and how many of these are not acknowledged to the broker. */
  async function countCommitted() {
    const connection = await connectTo(system.databaseUrls.notification);
    const [row] = await connection.query<{ count: bigint }[]>(
      'SELECT COUNT(*) AS count FROM inbox WHERE consumer = ?',
      [CONSUMER],
    );
    await connection.end();
    const { num_pending, num_ack_pending } = await streams.consumer('BOOKINGS', CONSUMER);
    const { state } = await streams.info('BOOKINGS');
    const committed = Number(row?.count);
    return { committed, unanswered: committed - (state.messages - num_pending - num_ack_pending) };
  }

  it('when one is killed before its commit, the other processes its messages', async () => {
    const { url, database } = await startDoomed();
    const reached = database.stopAt({
      from: 'client',
      isReached: (chunk, said) => chunk.includes('COMMIT') && said.includes('INSERT INTO notifications'),
    });
    await sale.sell(system.urls.booking, BOOKINGS);
    await reached;
    system.kill(url);
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
  });

  it('when one is killed after its commit and before its acknowledgements, the other ignores the redelivered messages', async () => {
    const { url, messages } = await startDoomed();
    const reached = messages.stopAt({
      from: 'client',
      isReached: (chunk) => chunk.includes('$JS.ACK.') && chunk.includes(CONSUMER),
    });
    await sale.sell(system.urls.booking, BOOKINGS);
    await reached;
    await vi.waitFor(async () => expect((await countCommitted()).unanswered).toBeGreaterThan(0), SOON);
    system.kill(url);
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
    expect(await countCommitted()).toEqual({ committed: 2 * BOOKINGS, unanswered: 0 });
  });
});
