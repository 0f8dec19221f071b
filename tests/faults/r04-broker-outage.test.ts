import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOwnBroker, type OwnBroker } from '../support/broker.ts';
import { connectTo, expectNothingLostNorDoubled } from '../support/invariants.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const OUTAGE_MS = 30_000;
const DRAIN_MS_MAX = 60_000;
/** Concurrent buyers: about half of what the machine can serve, so that the clients are not the bottleneck. */
const AT_ONCE = 8;

describe('R4: a broker that is killed under load and comes back 30 s later', () => {
  let broker: OwnBroker;
  let system: TestSystem;
  let sale: Sale;

  beforeAll(async () => {
    broker = await createOwnBroker();
    await broker.start();
    system = await startTestSystem({ natsUrl: broker.url });
    sale = await openSale(system);
  });
  afterAll(async () => {
    await sale?.close();
    await system?.stop();
    await broker?.remove();
  });

  it('only delays notifications: every booking succeeds during the outage', {
    timeout: 150_000,
  }, async () => {
    let isOver = false;
    const load = (async () => {
      while (!isOver) await sale.sell(system.urls.booking, AT_ONCE, AT_ONCE);
    })();
    await delay(1_000);
    await broker.kill();
    const soldBefore = sale.sold.length;
    await delay(OUTAGE_MS);
    const soldDuring = sale.sold.length - soldBefore;
    const bookings = await connectTo(system.databaseUrls.booking);
    const [waiting] = await bookings.query<{ count: bigint }[]>(
      'SELECT COUNT(*) AS count FROM outbox WHERE published_at IS NULL',
    );
    await bookings.end();
    await broker.start();
    const backAtMs = performance.now();
    isOver = true;
    await load;
    expect(soldDuring).toBeGreaterThan(1_000);
    expect(Number(waiting?.count)).toBeGreaterThanOrEqual(soldDuring);
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
    expect(performance.now() - backAtMs).toBeLessThan(DRAIN_MS_MAX);
  });
});
