import type { Connection } from 'mariadb';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { SubgraphName } from '#services';
import { backUp, restoreBackup } from '../support/backup.ts';
import { book, createEvent, signUp } from '../support/client.ts';
import { connectTo, expectNothingLostNorDoubled, expectNothingPending } from '../support/invariants.ts';
import { runOutboxCommand } from '../support/outbox-command.ts';
import { openSale } from '../support/sale.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const AT_ONCE = 5;
/** The number of bookings between two backups. */
const BOOKINGS_BETWEEN = 100;
const SOON = { timeout: 60_000, interval: 50 };
/** Creating and filling the databases of a whole system takes long on MySQL. */
const TIMEOUT_MS = 240_000;
/** One for each booking that the notification subgraph knows. */
const CONFIRMATIONS = "notifications WHERE kind = 'BOOKING_CONFIRMED'";
type Backups = Record<SubgraphName, string>;

describe('R28: a backup of the four databases, taken one after another during a sale', () => {
  const since = new Date(Date.now() - 60_000).toISOString();
  /** Consumers before producers, so that no database knows of anything that its producers do not know. */
  let backups: Backups;
  /** The bookings are older than the notifications. */
  let wrongOrder: Backups;
  let lateEventId: string;
  let sold: readonly string[];
  let soldBefore: readonly string[];

  beforeAll(async () => {
    const system = await startTestSystem();
    const sale = await openSale(system);
    const notifications = await connectTo(system.databaseUrls.notification);
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        const [first = ''] = await sale.sell(system.urls.booking, AT_ONCE, AT_ONCE);
        await sale.processAt(system.urls.booking).cancel(sale.buyers[0] as never, first);
      }
    })();
    /** Waits for more bookings, and for the notifications of the earlier ones. */
    async function more(): Promise<void> {
      const count = sale.sold.length;
      await vi.waitFor(() => expect(sale.sold.length).toBeGreaterThan(count + BOOKINGS_BETWEEN), SOON);
      await vi.waitFor(async () => expect(await countOf(notifications, CONFIRMATIONS)).toBeGreaterThan(count), SOON);
    }
    try {
      await more();
      const bookingTooEarly = await backUp(system.ownerUrl('booking'));
      await more();
      const notification = await backUp(system.ownerUrl('notification'));
      await more();
      soldBefore = [...sale.sold];
      const booking = await backUp(system.ownerUrl('booking'));
      lateEventId = await createEvent(await signUp(system.graphqlUrl), { totalSeats: 10 });
      const event = await backUp(system.ownerUrl('event'));
      const user = await backUp(system.ownerUrl('user'));
      backups = { notification, booking, event, user };
      wrongOrder = { ...backups, booking: bookingTooEarly };
      await more();
    } finally {
      isOver = true;
      await load;
      sold = sale.sold;
      await Promise.all([notifications.end(), sale.close()]);
      await system.stop();
    }
  }, TIMEOUT_MS);

  /** Starts an empty system with restored databases. Its broker and its cache are empty. */
  async function withRestored(from: Backups, check: (system: TestSystem) => Promise<void>): Promise<void> {
    const system = await startTestSystem({ restore: (name, url) => restoreBackup(url, from[name]) });
    try {
      await check(system);
    } finally {
      await system.stop();
    }
  }

  it('loses and doubles nothing when the consumers are saved first and the outboxes are replayed', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await withRestored(backups, async (system) => {
      const bookings = await connectTo(system.databaseUrls.booking);
      const notifications = await connectTo(system.databaseUrls.notification);
      try {
        const ids = (await bookings.query<{ id: string }[]>('SELECT id FROM bookings')).map(({ id }) => id);
        expect(ids).toEqual(expect.arrayContaining([...soldBefore]));
        expect(sold).toEqual(expect.arrayContaining(ids));

        // The control: without a replay, the notifications of the bookings between both backups are missing.
        await expectNothingPending(system);
        expect(await countOf(notifications, CONFIRMATIONS)).toBeLessThan(ids.length);

        await runOutboxCommand(system, 'replay', '--since', since);
        await expectNothingLostNorDoubled(system, { acknowledged: ids });
        // The booking database was saved before this event was created.
        expect(await book(await signUp(system.graphqlUrl), lateEventId)).toMatchObject({
          booking: { status: 'CONFIRMED' },
        });
      } finally {
        await Promise.all([bookings.end(), notifications.end()]);
      }
    });
  });

  it('control: has notifications without bookings when the producer is saved first', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await withRestored(wrongOrder, async (system) => {
      await runOutboxCommand(system, 'replay', '--since', since);
      await expectNothingPending(system);
      const notifications = await connectTo(system.databaseUrls.notification);
      const bookings = await connectTo(system.databaseUrls.booking);
      try {
        expect(await countOf(notifications, CONFIRMATIONS)).toBeGreaterThan(await countOf(bookings, 'bookings'));
      } finally {
        await Promise.all([bookings.end(), notifications.end()]);
      }
    });
  });
});

async function countOf(connection: Connection, table: string): Promise<number> {
  const [row] = await connection.query<{ count: bigint }[]>(`SELECT COUNT(*) AS count FROM ${table}`);
  return Number(row?.count);
}
