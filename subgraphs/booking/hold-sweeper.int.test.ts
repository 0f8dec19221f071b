import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';
import { quiet } from '#platform/testing/messaging.ts';
import type { PrismaClient } from './generated/prisma/client.ts';
import { createHoldSweeper } from './hold-sweeper.ts';
import { createBookingTestDatabase, createTestAllocator, holdRequest, makeEvent } from './testing.ts';

const TTL_SECONDS = 1;
/** The promise, and extra time for a busy machine. */
const SOON = { timeout: 10_000, interval: 50 };

describe('the sweeper of expired holds', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: PrismaClient;

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    ({ database } = test.connect());
  });
  afterAll(() => test.remove());

  /** A process with an allocator and a sweeper. */
  function startProcess() {
    const { pool, sql } = test.connect();
    const allocator = createTestAllocator(pool);
    const relay = { nudge: vi.fn(), requireRoom: () => undefined };
    const sweeper = createHoldSweeper({ sql, allocator, relay }, quiet().logger);
    return {
      allocator,
      relay,
      async stop() {
        await sweeper.stop();
        await allocator.stop();
      },
    };
  }

  const availableSeats = async (eventId: string) =>
    (await database.inventory.findUniqueOrThrow({ where: { eventId } })).availableSeats;

  it('gives seats back, whichever process made the hold and ended meanwhile', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 5 });
    const first = startProcess();
    await first.allocator.submit(holdRequest({ eventId, seatCount: 5, ttlSeconds: TTL_SECONDS }));
    await first.stop();
    expect(await availableSeats(eventId)).toBe(0);
    const [second, third] = [startProcess(), startProcess()];
    await vi.waitFor(async () => expect(await availableSeats(eventId)).toBe(5), SOON);
    await vi.waitFor(() =>
      expect(second.relay.nudge.mock.calls.length + third.relay.nudge.mock.calls.length).toBeGreaterThan(0),
    );
    await Promise.all([second.stop(), third.stop()]);
    expect(await database.hold.findFirst({ where: { eventId } })).toMatchObject({ status: 'EXPIRED' });
    expect(
      await database.outboxMessage.count({ where: { subject: 'hold.expired.v1', payload: { contains: eventId } } }),
    ).toBe(1);
  });

  it('waits for no locked event, and sweeps it after its release', async () => {
    const events = await Promise.all([1, 2, 3].map(() => makeEvent(database, { initialSeats: 5 })));
    const [locked, ...free] = events.map(({ eventId }) => eventId);
    const { allocator, stop } = startProcess();
    await Promise.all(
      events.map(({ eventId }) => allocator.submit(holdRequest({ eventId, seatCount: 5, ttlSeconds: TTL_SECONDS }))),
    );
    const holder = await openConnection(test.url);
    await holder.beginTransaction();
    await holder.query('SELECT event_id FROM inventories WHERE event_id = ? FOR UPDATE', [locked]);
    await vi.waitFor(async () => {
      for (const eventId of free) expect(await availableSeats(eventId)).toBe(5);
    }, SOON);
    expect(await availableSeats(locked ?? '')).toBe(0);
    await holder.end();
    await vi.waitFor(async () => expect(await availableSeats(locked ?? '')).toBe(5), SOON);
    await stop();
  });

  it('goes on until no event is left, and leaves holds that have not expired', async () => {
    const { allocator, stop } = startProcess();
    const { eventId } = await makeEvent(database, { initialSeats: 1_000 });
    const userId = newId();
    const kept = holdRequest({ eventId, seatCount: 2, userId });
    await allocator.submit(kept);
    await Promise.all(
      Array.from({ length: 900 }, () => allocator.submit(holdRequest({ eventId, ttlSeconds: TTL_SECONDS }))),
    );
    await vi.waitFor(async () => expect(await availableSeats(eventId)).toBe(998), SOON);
    expect(await database.hold.findUnique({ where: { id: kept.holdId } })).toMatchObject({ status: 'HELD' });
    await stop();
  });
});
