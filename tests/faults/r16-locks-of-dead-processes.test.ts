import { randomUUID } from 'node:crypto';
import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SILENT_CONNECTION_S } from '#platform/database/database.ts';
import { createProxy, type TestProxy } from '#platform/testing/proxy.ts';
import { type BookingProcess, createBookingProcess } from '../support/booking-process.ts';
import { type Buyer, signInMany } from '../support/buyers.ts';
import { createEvent, signUp } from '../support/client.ts';
import { connectTo, expectSeatsAddUp } from '../support/invariants.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

/** Extra time for a busy machine. */
const GRACE_MS = 5_000;
const LOCKS_GONE_WITHIN_MS = SILENT_CONNECTION_S * 1_000 + GRACE_MS;

describe('R16: a process that disappears in the middle of a transaction', () => {
  let system: TestSystem;
  let database: Connection;
  let proxy: TestProxy;
  let doomedUrl: string;
  let doomed: BookingProcess;
  let healthy: BookingProcess;
  let buyer: Buyer;

  beforeAll(async () => {
    system = await startTestSystem();
    database = await connectTo(system.databaseUrls.booking);
    proxy = await createProxy(system.databaseUrls.booking);
    doomedUrl = await system.startReplica('booking', { databaseUrl: proxy.url });
    const connect = (url: string) => createBookingProcess(url, system.secrets.subgraphs.booking);
    [doomed, healthy] = [connect(doomedUrl), connect(system.urls.booking)];
    [buyer] = (await signInMany(1, system.secrets)) as [Buyer];
  });
  afterAll(async () => {
    await database?.end();
    await Promise.all([doomed, healthy].map((process) => process?.close()));
    await system?.stop();
    proxy?.close();
  });

  it.each([
    { how: 'is stopped by SIGSTOP', hidesClose: false },
    { how: 'loses its network connection without closing it', hidesClose: true },
  ])(
    '$how: its locks are released in bounded time, and other events can be booked in the meantime',
    async ({ hidesClose }) => {
      const organizer = await signUp(system.graphqlUrl);
      const [locked, other] = [await createEvent(organizer), await createEvent(organizer)];
      const input = (eventId: string) => ({ eventId, seatCount: 1, idempotencyKey: randomUUID() });
      for (const eventId of [locked, other]) {
        expect((await healthy.book(buyer, input(eventId))).outcome).toBe('booked');
      }
      // At this point the row of the event is locked, and nothing is written yet.
      const inTransaction = proxy.stopAt({
        from: 'client',
        isReached: (chunk) => chunk.includes('INSERT INTO bookings'),
        hidesClose,
      });
      const wanted = input(locked);
      const lost = doomed.book(buyer, wanted).catch(() => undefined);
      await inTransaction;
      const lockedAtMs = performance.now();
      if (!hidesClose) system.pause(doomedUrl);

      // This request is the first to wait for the locked row. It is refused.
      const refused = healthy.book(buyer, input(locked));
      for (let count = 0; count < 20; count += 1) {
        expect((await healthy.book(buyer, input(other))).outcome).toBe('booked');
      }
      expect((await refused).outcome).toBe('unknown');

      await vi.waitFor(async () => expect((await healthy.book(buyer, wanted)).outcome).toBe('booked'), {
        timeout: LOCKS_GONE_WITHIN_MS,
        interval: 100,
      });
      expect(performance.now() - lockedAtMs).toBeLessThan(LOCKS_GONE_WITHIN_MS);

      if (!hidesClose) system.resume(doomedUrl);
      await lost;
      // The process works again, and the interrupted booking exists once.
      await vi.waitFor(async () => expect(await doomed.book(buyer, wanted)).toMatchObject({ replayed: true }), {
        timeout: GRACE_MS,
        interval: 100,
      });
      const rows = await database.query('SELECT id FROM bookings WHERE event_id = ?', [locked]);
      expect(rows).toHaveLength(2);
      await expectSeatsAddUp(database);
    },
  );
});
