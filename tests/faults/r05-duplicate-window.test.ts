import { nanos } from 'nats';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectNothingLostNorDoubled } from '../support/invariants.ts';
import { runOutboxCommand } from '../support/outbox-command.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { openStreams, type Streams } from '../support/streams.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const BOOKINGS = 300;
const WINDOW_MS = 2_000;

describe('R5: exactly one effect per message', () => {
  let system: TestSystem;
  let sale: Sale;
  let streams: Streams;

  beforeAll(async () => {
    system = await startTestSystem();
    sale = await openSale(system);
    streams = openStreams(system);
  });
  afterAll(async () => {
    await streams?.close();
    await sale?.close();
    await system?.stop();
  });

  it('does not depend on the broker’s duplicate window: a message that is published again later changes nothing', async () => {
    const manager = await streams.manager();
    const narrowWindow = () =>
      streams.each((name) => manager.streams.update(name, { duplicate_window: nanos(WINDOW_MS) }));
    await narrowWindow();
    const since = new Date(Date.now() - 60_000).toISOString();
    await sale.sell(system.urls.booking, BOOKINGS);
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
    const published = await streams.countAll();
    expect(published).toBe(BOOKINGS + 2);

    // After an error a relay may have restored the stream's own duplicate window of two minutes.
    await narrowWindow();
    await vi.waitFor(
      async () => {
        const { state } = await streams.info('BOOKINGS');
        expect(Date.now() - Date.parse(state.last_ts)).toBeGreaterThan(2 * WINDOW_MS);
      },
      { timeout: 10_000, interval: 100 },
    );
    const told = await runOutboxCommand(system, 'replay', '--since', since);
    expect(told).toBe(
      `user: messages to publish again: 1\nevent: messages to publish again: 1\nbooking: messages to publish again: ${BOOKINGS}\n`,
    );
    await vi.waitFor(async () => expect(await streams.countAll()).toBe(2 * published), { timeout: 20_000 });
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
  });
});
