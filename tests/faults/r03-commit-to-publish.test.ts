import { randomUUID } from 'node:crypto';
import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestBroker } from '#platform/testing/messaging.ts';
import { createProxy, type StoppingPoint } from '#platform/testing/proxy.ts';
import { connectTo, expectNothingLostNorDoubled } from '../support/invariants.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

/** Stages of a booking, found in its database traffic, with the numbers of bookings and messages at each. */
const POINTS: Record<string, StoppingPoint & { booked: number; published: number }> = {
  'before the commit': {
    from: 'client',
    isReached: (chunk, said) => chunk.includes('COMMIT') && said.includes('INSERT INTO bookings'),
    booked: 0,
    published: 0,
  },
  'after the commit': {
    from: 'server',
    isReached: (_chunk, said) => /INSERT INTO bookings.*COMMIT;SET autocommit = 1$/s.test(said),
    booked: 1,
    published: 0,
  },
  'after the broker’s confirmation and before the row is marked as published': {
    from: 'client',
    isReached: (chunk) => chunk.includes('UPDATE outbox SET published_at'),
    booked: 1,
    published: 1,
  },
};

describe('R3: a booking process that is killed', () => {
  let system: TestSystem;
  let sale: Sale;
  let connection: Connection;
  let broker: ReturnType<typeof createTestBroker>;
  /** The address of the only running booking process. */
  let current: string;
  const acknowledged: string[] = [];
  const cleanUps: (() => void)[] = [];

  beforeAll(async () => {
    system = await startTestSystem();
    sale = await openSale(system);
    connection = await connectTo(system.databaseUrls.booking);
    broker = createTestBroker({ url: system.natsUrl, prefix: system.natsPrefix });
    current = system.urls.booking;
    acknowledged.push(...(await sale.sell(current, 1)));
    await expectNothingLostNorDoubled(system, { acknowledged });
  });
  afterAll(async () => {
    await broker?.close();
    await connection?.end();
    await sale?.close();
    await system?.stop();
    for (const cleanUp of cleanUps) cleanUp();
  });

  const count = async (what: string) => {
    const [row] = await connection.query<{ count: bigint }[]>(`SELECT COUNT(*) AS count FROM ${what}`);
    return Number(row?.count);
  };
  const countPublished = async () => {
    const { manager } = await broker.jetStream();
    return (await manager.streams.info(broker.resourceName('BOOKINGS'))).state.messages;
  };

  it.each(Object.entries(POINTS))('%s: no booking is lost, and its message is published once', async (_when, point) => {
    const [bookingsBefore, publishedBefore] = [await count('bookings'), await countPublished()];
    const database = await createProxy(system.databaseUrls.booking);
    const messages = await createProxy(system.natsUrl);
    cleanUps.push(database.close, messages.close);
    // Otherwise its relay could publish the message before the test kills it.
    if (point.published === 0) messages.cut();
    const doomed = await system.startReplica('booking', { databaseUrl: database.url, natsUrl: messages.url });
    system.kill(current);

    const input = { eventId: sale.eventId, seatCount: 1, idempotencyKey: randomUUID() };
    const buyer = sale.buyers[0] as (typeof sale.buyers)[0];
    const reached = database.stopAt(point);
    const answered = sale.processAt(doomed).book(buyer, input);
    await reached;
    if (point.published === 1) expect(await answered).toMatchObject({ outcome: 'booked' });
    // The server answers each statement of the text, so the commit may follow its first answer.
    await vi.waitFor(async () => expect((await count('bookings')) - bookingsBefore).toBe(point.booked));
    expect(await count('outbox WHERE published_at IS NULL')).toBe(point.booked);
    expect((await countPublished()) - publishedBefore).toBe(point.published);
    system.kill(doomed);

    current = await system.startReplica('booking');
    const final = await sale.processAt(current).book(buyer, input);
    expect(final).toMatchObject({ outcome: 'booked', replayed: point.booked === 1 });
    if (final.outcome === 'booked') acknowledged.push(final.bookingId);
    await expectNothingLostNorDoubled(system, { acknowledged });
  });
});
