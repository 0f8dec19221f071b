import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mariadb';
import type { Client } from '#client/client.ts';
import { EventPageDocument } from '#client/generated/graphql.ts';
import { findWrongSeats } from '#tests/support/wrong-seats.ts';
import type { Booking } from './run.ts';

const NOTIFIED_WITHIN_MS = 60_000;

/** The databases that a check reads. */
export interface Databases {
  readonly booking: Connection;
  readonly notification: Connection;
}

/** What a check found out. */
export interface Findings {
  /** The seats that were sold but do not exist. */
  readonly oversold: number;
  /** Everything that is wrong, in words. */
  readonly problems: readonly string[];
}

/**
 * Checks in the databases that no seat was sold twice, that exactly the confirmed bookings exist, apart from those with
 * an unknown outcome, and that each has one notification.
 */
export async function checkDatabases(
  { booking, notification }: Databases,
  bookings: readonly Booking[],
): Promise<Findings> {
  const eventIds = [...new Set(bookings.map(({ eventId }) => eventId))];
  const wrongSeats = await findWrongSeats(booking);
  const stored = await booking.query<{ id: string; key: string }[]>(
    `SELECT bookings.id, idempotency_key AS \`key\` FROM bookings
     JOIN idempotency_keys ON idempotency_keys.booking_id = bookings.id WHERE event_id IN (?)`,
    [eventIds],
  );
  const storedIds = new Set(stored.map(({ id }) => id));
  const confirmed = bookings.filter(({ outcome }) => outcome === 'confirmed');
  const known = new Set(confirmed.map(({ bookingId }) => bookingId));
  const open = new Set(bookings.filter(({ outcome }) => outcome === 'failed').map(({ key }) => key));
  const lost = confirmed.filter(({ bookingId = '' }) => !storedIds.has(bookingId));
  const unexpected = stored.filter(({ id, key }) => !known.has(id) && !open.has(key));
  const unnotified = await waitForNotifications(notification, eventIds, storedIds);
  return {
    oversold: wrongSeats.reduce((sum, { booked, total }) => sum + Math.max(0, booked - total), 0),
    problems: [
      ...wrongSeats.map(
        ({ eventId, total, free, booked, held }) =>
          `Event ${eventId} has ${total} seats, but ${booked} booked, ${held} held and ${free} free.`,
      ),
      ...describe(lost.length, 'confirmed bookings are not stored'),
      ...describe(confirmed.length - known.size, 'bookings were confirmed twice'),
      ...describe(unexpected.length, 'stored bookings were not confirmed'),
      ...describe(unnotified, 'bookings do not have exactly one notification'),
    ],
  };
}

const describe = (count: number, what: string): string[] => (count > 0 ? [`${count} ${what}.`] : []);

/** Returns the number of bookings without exactly one notification, after a wait for the notifications. */
async function waitForNotifications(
  connection: Connection,
  eventIds: readonly string[],
  bookingIds: ReadonlySet<string>,
): Promise<number> {
  const giveUpAtMs = Date.now() + NOTIFIED_WITHIN_MS;
  for (;;) {
    const rows = await connection.query<{ id: string }[]>(
      "SELECT booking_id AS id FROM notifications WHERE event_id IN (?) AND kind = 'BOOKING_CONFIRMED'",
      [eventIds],
    );
    const notified = new Set(rows.map(({ id }) => id));
    const missing = bookingIds.difference(notified).size;
    if (missing === 0 || Date.now() > giveUpAtMs) return missing + rows.length - bookingIds.intersection(notified).size;
    await delay(100);
  }
}

/** Checks through the graph that the seats of the events add up with the answers. For a system without access. */
export async function checkGraph(client: Client, bookings: readonly Booking[]): Promise<Findings> {
  const problems: string[] = [];
  let oversold = 0;
  for (const [id, some] of Map.groupBy(bookings, ({ eventId }) => eventId)) {
    const { event } = await client.request(EventPageDocument, { id });
    const total = event?.totalSeats ?? Number.NaN;
    const taken = total - (event?.availableSeats ?? Number.NaN);
    const confirmed = some.filter(({ outcome }) => outcome === 'confirmed').length;
    const open = some.filter(({ outcome }) => outcome === 'failed').length;
    oversold += Math.max(0, confirmed - total);
    if (!(taken >= confirmed && taken <= confirmed + open && taken <= total)) {
      problems.push(`Event ${id} has ${taken} of ${total} seats taken, but ${confirmed} bookings were confirmed.`);
    }
  }
  return { oversold, problems };
}
