import type { Connection } from 'mariadb';
import { expect, vi } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import { createTestBroker } from '#platform/testing/messaging.ts';
import { CONTRACTS } from '#scripts/messages.ts';
import { PUBLISHERS } from '#services';
import { type Entry, finalOf, type History, isOpen } from './history.ts';
import { openStreams } from './streams.ts';
import type { TestSystem } from './system.ts';
import { findWrongSeats } from './wrong-seats.ts';

const CONSUMERS = [deadLetterStream, ...Object.values(CONTRACTS).map(({ stream }) => stream)].flatMap(
  ({ consumers }) => consumers,
);

/** Opens a connection to one of a test system's databases. */
export const connectTo = (databaseUrl: string): Promise<Connection> => openConnection(databaseUrl);

/** Checks G1: for every event, confirmed, held and free seats add up to the total, and none of them is negative. */
export async function expectSeatsAddUp(connection: Connection): Promise<void> {
  const wrong = await findWrongSeats(connection);
  expect(wrong, 'G1: confirmed, held and free seats add up').toEqual([]);
}

/** Checks G3 and G5: the outbox is empty and every booking, cancellation and offer has exactly one notification. */
export async function expectAllNotified(system: TestSystem): Promise<void> {
  const [bookings, notifications] = await Promise.all([
    connectTo(system.databaseUrls.booking),
    connectTo(system.databaseUrls.notification),
  ]);
  try {
    await vi.waitFor(
      async () => {
        const unpublished = await bookings.query('SELECT id FROM outbox WHERE published_at IS NULL');
        expect(unpublished, 'G5: the outbox is published').toEqual([]);
        const due = await bookings.query<{ id: string; kind: string }[]>(
          `SELECT id, 'BOOKING_CONFIRMED' AS kind FROM bookings
           UNION ALL SELECT id, 'BOOKING_CANCELLED' FROM bookings WHERE status = 'CANCELLED'
           UNION ALL SELECT hold_id, 'WAITLIST_OFFERED' FROM waitlist_entries WHERE hold_id IS NOT NULL`,
        );
        const made = await notifications.query<{ id: string; kind: string }[]>(
          'SELECT booking_id AS id, kind FROM notifications',
        );
        const sorted = (rows: readonly { id: string; kind: string }[]) => rows.map(({ id, kind }) => id + kind).sort();
        expect(sorted(made), 'G3: one notification for each booking, cancellation and offer').toEqual(sorted(due));
      },
      { timeout: 60_000, interval: 250 },
    );
  } finally {
    await Promise.all([bookings.end(), notifications.end()]);
  }
}

/**
 * Checks the guarantees that must hold within a minute after every fault: G1, G2, G3 and G5.
 * @param acknowledged the ids of all bookings that clients got. The database must contain exactly these bookings.
 */
export async function expectNothingLostNorDoubled(
  system: TestSystem,
  { acknowledged, deadLetters = 0 }: { acknowledged: readonly string[]; deadLetters?: number },
): Promise<void> {
  await expectAllNotified(system);
  await expectNothingPending(system, deadLetters);
  const bookings = await connectTo(system.databaseUrls.booking);
  try {
    await expectSeatsAddUp(bookings);
    const rows = await bookings.query<{ id: string }[]>('SELECT id FROM bookings ORDER BY id');
    expect(
      rows.map(({ id }) => id),
      'G2: the acknowledged bookings and no others exist',
    ).toEqual(acknowledged.toSorted());
  } finally {
    await bookings.end();
  }
}

/** The time limit of an operation at the gateway (OPERATION_TIMEOUT_MS), and extra time for a busy machine. */
const TOOK_MS_MAX = 10_000 + 10_000;

/** A booking as clients know it. */
interface KnownBooking {
  readonly id: string;
  readonly userId: string;
  readonly eventId: string;
  readonly seatCount: number;
  isCancelled: boolean;
}

/**
 * Checks G1 to G6 after a load: in its history, in the databases and in the streams. The outcomes that were open must
 * have been resolved before.
 */
export async function expectInvariants(
  system: TestSystem,
  history: History,
  { deadLetters = 0 }: { deadLetters?: number } = {},
): Promise<void> {
  const { entries } = history;
  const wrong = entries.filter(({ answer }) => answer.outcome === 'wrong');
  expect(wrong, 'every answer is data, a refusal or SERVICE_UNAVAILABLE').toEqual([]);
  const open = entries.filter((entry) => isOpen(entry) && entry.resolved === undefined);
  expect(open, 'G4: every open outcome is resolved').toEqual([]);
  const late = entries.filter(({ tookMs }) => tookMs > TOOK_MS_MAX);
  expect(late, 'G6: no request ran past its deadline').toEqual([]);

  const known = knownBookings(entries);
  await expectNothingLostNorDoubled(system, { acknowledged: [...known.keys()], deadLetters });
  await expectStored(system, known);
  await expectPublishedOnce(system, known);
}

/** Derives the bookings from the final answers. */
function knownBookings(entries: readonly Entry[]): ReadonlyMap<string, KnownBooking> {
  const known = new Map<string, KnownBooking>();
  for (const entry of entries) {
    const final = finalOf(entry);
    if (final?.outcome !== 'booked') continue;
    const { bookingId: id, seatCount } = final;
    expect(seatCount, `G2: ${entry.key} has the requested seats`).toBe(entry.seatCount);
    expect(known.has(id), `G2: booking ${id} belongs to one request only`).toBe(false);
    known.set(id, { id, userId: entry.buyer.userId, eventId: entry.eventId, seatCount, isCancelled: false });
  }
  for (const entry of entries) {
    const booking = entry.kind === 'cancel' ? known.get(entry.key) : undefined;
    if (booking !== undefined && finalOf(entry)?.outcome === 'cancelled') booking.isCancelled = true;
  }
  return known;
}

/** Checks G2: the stored bookings are as they were acknowledged, and each has one key. */
async function expectStored(system: TestSystem, known: ReadonlyMap<string, KnownBooking>): Promise<void> {
  const database = await connectTo(system.databaseUrls.booking);
  try {
    const rows = await database.query<(Omit<KnownBooking, 'isCancelled'> & { status: string })[]>(
      `SELECT bookings.id, bookings.user_id AS userId, event_id AS eventId, seat_count AS seatCount, status
       FROM bookings JOIN idempotency_keys ON idempotency_keys.booking_id = bookings.id`,
    );
    const stored = rows.map(({ status, ...row }) => ({ ...row, isCancelled: status === 'CANCELLED' }));
    const sorted = (bookings: readonly KnownBooking[]) =>
      bookings.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    expect(sorted(stored), 'G2: bookings are stored as they were acknowledged').toEqual(sorted([...known.values()]));
  } finally {
    await database.end();
  }
}

/** Checks G3 in the stream: one message for each booking and each cancellation, not counting messages sent again. */
async function expectPublishedOnce(system: TestSystem, known: ReadonlyMap<string, KnownBooking>): Promise<void> {
  const streams = openStreams(system);
  try {
    const messages = new Map((await streams.readAll('BOOKINGS')).map((message) => [message.messageId, message]));
    const published = [...messages.values()].map(({ type, id }) => `${type} ${id}`);
    const due = [...known.values()].flatMap(({ id, isCancelled }) => [
      `booking.confirmed.v1 ${id}`,
      ...(isCancelled ? [`booking.cancelled.v1 ${id}`] : []),
    ]);
    expect(published.sort(), 'G3: one message for each booking and cancellation').toEqual(due.sort());
  } finally {
    await streams.close();
  }
}

/** Checks G5: every outbox is empty, every message is acknowledged, and there are `deadLetters` dead letters. */
export async function expectNothingPending(system: TestSystem, deadLetters = 0): Promise<void> {
  const databases = await Promise.all(PUBLISHERS.map((name) => connectTo(system.databaseUrls[name])));
  const notifications = await connectTo(system.databaseUrls.notification);
  const broker = createTestBroker({ url: system.natsUrl, prefix: system.natsPrefix });
  try {
    const { manager } = await broker.jetStream();
    await vi.waitFor(
      async () => {
        for (const database of databases) {
          const unpublished = await database.query('SELECT id FROM outbox WHERE published_at IS NULL');
          expect(unpublished, 'G5: the outbox is published').toEqual([]);
        }
        const names = await manager.streams.names().next();
        const own = names.filter((name) => name.startsWith(broker.resourceName('')));
        const consumers = (await Promise.all(own.map((name) => manager.consumers.list(name).next()))).flat();
        expect(consumers, 'G5: all consumers exist').toHaveLength(CONSUMERS.length);
        for (const { name, num_pending, num_ack_pending } of consumers) {
          const state = { name, num_pending, num_ack_pending };
          expect(state, 'G5: no message is pending').toEqual({ name, num_pending: 0, num_ack_pending: 0 });
        }
        const letters = await notifications.query('SELECT consumer, subject, reason FROM dead_letters');
        expect(letters, 'G5: only the expected dead letters').toHaveLength(deadLetters);
      },
      { timeout: 60_000, interval: 100 },
    );
  } finally {
    await Promise.all([broker.close(), ...[...databases, notifications].map((database) => database.end())]);
  }
}
