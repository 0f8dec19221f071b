import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { createProxy, type TestProxy } from '#platform/testing/proxy.ts';
import { connectTo, expectNothingLostNorDoubled } from '../support/invariants.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { openStreams, type Streams } from '../support/streams.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const SOON = { timeout: 10_000, interval: 50 };
const BOOKINGS = 1_000;

describe('R16: three relays on one outbox', () => {
  let system: TestSystem;
  let sale: Sale;
  let streams: Streams;
  let connection: Connection;
  let database: TestProxy;

  beforeAll(async () => {
    system = await startTestSystem();
    sale = await openSale(system);
    streams = openStreams(system);
    connection = await connectTo(system.databaseUrls.booking);
    database = await createProxy(system.databaseUrls.booking);
  });
  afterAll(async () => {
    await connection?.end();
    await streams?.close();
    await sale?.close();
    await system?.stop();
    database?.close();
  });

  it('lose no message when one of them hangs in a transaction for longer than its timeout', async () => {
    await system.startReplica('booking');
    const hanging = await system.startReplica('booking', { databaseUrl: database.url });
    const inHand = database.stopAt({
      from: 'client',
      isReached: (chunk) => chunk.includes('UPDATE outbox SET published_at'),
    });
    let pausedAtMs = 0;
    inHand.then(() => {
      system.pause(hanging);
      pausedAtMs = performance.now();
    });
    // The booking process publishes at once and the replicas only poll. Sell until the doomed replica finds messages.
    do await sale.sell(system.urls.booking, BOOKINGS, 8);
    while (pausedAtMs === 0);

    const unpublished = async () => {
      const rows = await connection.query<{ id: string }[]>('SELECT id FROM outbox WHERE published_at IS NULL');
      return rows.length;
    };
    await vi.waitFor(async () => expect((await streams.info('BOOKINGS')).state.messages).toBe(sale.sold.length), SOON);
    expect(await unpublished()).toBeLessThan(256);
    await vi.waitFor(
      () => expect(performance.now() - pausedAtMs).toBeGreaterThan(TRANSACTION_LIMITS.timeout + 1_000),
      SOON,
    );
    system.resume(hanging);
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
  });
});
