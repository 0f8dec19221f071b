import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createOwnBroker, type OwnBroker } from '../support/broker.ts';
import { connectTo, expectNothingLostNorDoubled } from '../support/invariants.ts';
import { runOutboxCommand } from '../support/outbox-command.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { openStreams } from '../support/streams.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const SOON = { timeout: 20_000, interval: 100 };
/** Bookings with and without a notification before the loss. */
const NOTIFIED = 50;
const NOT_NOTIFIED = 70;

describe('R6: a broker that lost its data', () => {
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

  it('is refilled from the outboxes: each missing notification is made once, and none twice', async () => {
    const since = new Date(Date.now() - 60_000).toISOString();
    await sale.sell(system.urls.booking, NOTIFIED);
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
    system.kill(system.urls.notification);
    await sale.sell(system.urls.booking, NOT_NOTIFIED);
    const bookings = await connectTo(system.databaseUrls.booking);
    await vi.waitFor(
      async () => expect(await bookings.query('SELECT id FROM outbox WHERE published_at IS NULL')).toEqual([]),
      SOON,
    );
    await bookings.end();

    await broker.kill();
    broker.wipe();
    await broker.start();
    await system.startReplica('notification');
    const streams = openStreams(system);
    await vi.waitFor(async () => expect(await streams.countAll()).toBe(0), SOON);
    await streams.close();

    await runOutboxCommand(system, 'replay', '--since', since);
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
  });

  it.each([
    [[], 'Usage'],
    [['reply'], 'Usage'],
    [['replay'], '--since takes a time with its zone'],
    [['replay', '--since', '2026-11-22 09:30'], '--since takes a time with its zone'],
    [['replay', '--since', '2100-01-01T00:00:00Z'], 'is in the future'],
    [['replay', '--since', '2026-01-01T00:00:00Z', 'gateway'], 'gateway has no outbox'],
    [['replay', '--until', '2026-01-01T00:00:00Z'], '--until'],
  ])('npm run outbox -- %j explains the mistake and exits with code 1', async (args, complaint) => {
    await expect(runOutboxCommand(system, ...args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(complaint),
    });
  });
});
