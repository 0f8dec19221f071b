import type { Connection } from 'mariadb';
import { expect } from 'vitest';

export interface Seats {
  readonly userId: string;
  readonly eventId: string;
  readonly seatCount: number;
  status: string;
}

/** What the answers told the users: the last known status of everything by its id, and of check-ins by their key. */
export interface Known {
  readonly bookings: Map<string, Seats>;
  readonly holds: Map<string, Seats>;
  readonly entries: Map<string, Seats>;
  readonly checkIns: Map<string, { readonly bookingId: string; readonly seats: number }>;
  /** The acknowledged total seats of events. */
  readonly capacities: Map<string, number>;
  /** The codes of all refusals. */
  readonly refusals: Set<string>;
}

export const nothingKnown = (): Known => ({
  bookings: new Map(),
  holds: new Map(),
  entries: new Map(),
  checkIns: new Map(),
  capacities: new Map(),
  refusals: new Set(),
});

const OFFERS = 'SELECT hold_id FROM waitlist_entries WHERE hold_id IS NOT NULL';
const COLUMNS = 'id, user_id, event_id, seat_count';

/**
 * Checks G2 after all holds have ended: everything is stored as the users know it. There are no other bookings and
 * check-ins, and no other holds apart from offers.
 */
export async function expectKnownStored(database: Connection, known: Known): Promise<void> {
  const read = async (statement: string, ids: Iterable<string> = []) =>
    (await database.query<object[]>(statement, [['none', ...ids]])).map((row) => Object.values(row).join(' ')).sort();
  const listed = (all: Known['bookings'], statusOf = (status: string) => status) =>
    [...all].map(([id, one]) => [id, one.userId, one.eventId, one.seatCount, statusOf(one.status)].join(' ')).sort();
  expect(await read(`SELECT ${COLUMNS}, status FROM bookings`), 'G2: bookings').toEqual(listed(known.bookings));
  expect(
    await read(`SELECT ${COLUMNS}, status FROM holds WHERE id NOT IN (${OFFERS}) OR id IN (?)`, known.holds.keys()),
    'G2: holds; those that nobody ended have expired',
  ).toEqual(listed(known.holds, (status) => (status === 'HELD' ? 'EXPIRED' : status)));
  expect(
    await read(`SELECT ${COLUMNS}, status = 'LEFT' FROM waitlist_entries WHERE id IN (?)`, known.entries.keys()),
    'G2: entries of waiting lists',
  ).toEqual(listed(known.entries, (status) => (status === 'LEFT' ? '1' : '0')));
  expect(await read('SELECT device_key, booking_id, seats FROM check_ins'), 'G2: check-ins').toEqual(
    [...known.checkIns].map(([key, { bookingId, seats }]) => `${key} ${bookingId} ${seats}`).sort(),
  );
  expect(
    await read('SELECT event_id, total_seats FROM inventories WHERE event_id IN (?)', known.capacities.keys()),
    'G2: capacities',
  ).toEqual([...known.capacities].map((one) => one.join(' ')).sort());
}
