import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectNothingLostNorDoubled } from '../support/invariants.ts';
import { createRandom, eachOfMany } from '../support/random.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { openStreams, type Streams } from '../support/streams.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const SEED = Number(process.env.TEST_SEED ?? Date.now() % 100_000);
const BOOKINGS = 100;
const TIMES = 5;

describe(`R8: every message delivered five times, in random order (TEST_SEED=${SEED})`, () => {
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

  it('makes one notification of each kind, even when the cancellation arrives before the confirmation', async () => {
    system.kill(system.urls.notification);
    const process = sale.processAt(system.urls.booking);
    const ids = await sale.sell(system.urls.booking, BOOKINGS, 1);
    await eachOfMany(ids, 20, async (id, index) => {
      const buyer = sale.buyers[index % sale.buyers.length] as (typeof sale.buyers)[0];
      expect(await process.cancel(buyer, id)).toBe(true);
    });
    await vi.waitFor(async () => expect(await streams.countAll()).toBe(2 * BOOKINGS + 2), { timeout: 10_000 });

    const all = (await Promise.all(['USERS', 'EVENTS', 'BOOKINGS'].map(streams.readAll))).flat();
    const manager = await streams.manager();
    await streams.each((name) => manager.streams.purge(name));
    const random = createRandom(SEED);
    const shuffled = Array.from({ length: TIMES }, () => all)
      .flat()
      .map((message) => ({ message, order: random() }))
      .sort((one, other) => one.order - other.order)
      .map(({ message }) => message);
    const firstOf = (type: string, id: string) =>
      shuffled.findIndex((message) => message.id === id && message.subject.endsWith(type));
    const turned = ids.filter((id) => firstOf('booking.cancelled.v1', id) < firstOf('booking.confirmed.v1', id));
    expect(turned.length).toBeGreaterThan(BOOKINGS / 4);
    const { client } = await streams.broker.jetStream();
    for (const { subject, data } of shuffled) await client.publish(subject, data, { msgID: randomUUID() });

    await system.startReplica('notification');
    await system.startReplica('notification');
    await expectNothingLostNorDoubled(system, { acknowledged: sale.sold });
  });
});
