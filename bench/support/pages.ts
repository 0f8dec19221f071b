import type { Connection } from 'mariadb';
import { v7 as newId } from 'uuid';
import type { Secrets } from '#scripts/local/secrets.ts';
import { LocalError } from '#scripts/local/settings.ts';
import { type Buyer, signInMany } from '#tests/support/buyers.ts';
import { createPoster, eventPageOperation, ownBookingsOperation } from './http-booking.ts';
import type { Result } from './load.ts';

const CONNECTIONS = 256;
const EVENTS = 200;
const READERS = 200;
const SEATS = 1_000;
const BOOKINGS_EACH = 25;
const PAGE_SIZE = 20;
/** Bookings of each event. */
const BOOKED = (READERS * BOOKINGS_EACH) / EVENTS;

/** The data of the reading operations: users with bookings, and the events that they organize. */
export interface ReadData {
  readonly eventIds: readonly string[];
  readonly readers: readonly Buyer[];
}

/** Writes the events, users and bookings into the databases of the services. */
export async function createReadData(admin: Connection, secrets: Secrets): Promise<ReadData> {
  const readers = await signInMany(READERS, secrets);
  const eventIds = Array.from({ length: EVENTS }, () => newId());
  const organizerOf = (index: number) => readers[index % READERS]?.userId;
  await admin.batch(
    "INSERT INTO user_db.users (id, name, email, password_hash) VALUES (?, ?, ?, '-')",
    readers.map(({ userId }, index) => [userId, `Reader ${index}`, `reader-${index}@example.com`]),
  );
  await admin.batch(
    `INSERT INTO event_db.events (id, name, venue, starts_at, organizer_id, initial_seats)
     VALUES (?, ?, 'The Old Mill', '2030-06-01 19:30', ?, ?)`,
    eventIds.map((id, index) => [id, `Concert ${index}`, organizerOf(index), SEATS]),
  );
  await admin.batch(
    `INSERT INTO booking_db.inventories
       (event_id, organizer_id, starts_at, event_version, total_seats, available_seats)
     VALUES (?, ?, '2030-06-01 19:30', 1, ?, ?)`,
    eventIds.map((id, index) => [id, organizerOf(index), SEATS, SEATS - BOOKED]),
  );
  const bookings = Array.from({ length: READERS * BOOKINGS_EACH }, (_, index) => [
    newId(),
    eventIds[index % EVENTS],
    // Each round over the events starts one reader later, so that each reader has bookings of many events.
    readers[(index + Math.floor(index / EVENTS)) % READERS]?.userId,
  ]);
  await admin.batch(
    'INSERT INTO booking_db.bookings (id, event_id, user_id, seat_count) VALUES (?, ?, ?, 1)',
    bookings,
  );
  return { eventIds, readers };
}

/** One way to read the pages. */
export interface ReadWay {
  readonly label: string;
  /** Both functions read the page of a random event or user and check that it is complete. */
  readEventPage(): Promise<Result>;
  readOwnBookings(): Promise<Result>;
  stop(): Promise<unknown>;
}

/** (a) One SQL statement for each page, in Express. */
export function readUsualWay(url: string, { eventIds, readers }: ReadData): ReadWay {
  const client = createPoster(url, CONNECTIONS);
  return {
    label: '(a) Express, mysql2, one statement each',
    async readEventPage() {
      const id = anyOf(eventIds);
      return resultOf(await client.get(`/events/${id}`), (event) => isEventPage(event, id));
    },
    async readOwnBookings() {
      const { userId } = anyOf(readers);
      return resultOf(await client.get(`/users/${userId}/bookings`), ({ bookings }) => isPageOfBookings(bookings));
    },
    stop: client.close,
  };
}

/** (e) The gateway. */
export function readAtGateway(url: string, { eventIds, readers }: ReadData): ReadWay {
  const client = createPoster(url, CONNECTIONS);
  return {
    label: '(e) a query at the gateway',
    async readEventPage() {
      const id = anyOf(eventIds);
      return resultOf(await client.post(eventPageOperation(id)), ({ data }) => isEventPage(data?.event, id));
    },
    async readOwnBookings() {
      const { authorization } = anyOf(readers);
      const answer = await client.post(ownBookingsOperation(), { authorization });
      return resultOf(answer, ({ data }) => isPageOfBookings(data?.bookings?.nodes));
    },
    stop: client.close,
  };
}

function anyOf<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('The list is empty.');
  return item;
}

// biome-ignore lint/suspicious/noExplicitAny: the checks verify each part of the answer that they use.
type Json = any;

type Answer = { statusCode: number; text: string };

/** Returns the result of an answer. @throws LocalError when an answer without an error is incomplete */
function resultOf({ statusCode, text }: Answer, isComplete: (json: Json) => boolean): Result {
  if (statusCode !== 200) return 'failed';
  const json = JSON.parse(text);
  if (json.errors !== undefined) return 'failed';
  if (!isComplete(json)) throw new LocalError(`This page is not complete: ${text}`);
  return 'confirmed';
}

const isEventPage = (event: Json, id: string): boolean =>
  event?.id === id &&
  /^Concert \d/.test(event.name) &&
  event.totalSeats === SEATS &&
  event.availableSeats === SEATS - BOOKED &&
  /^Reader \d/.test(event.organizer?.name);

const isPageOfBookings = (bookings: Json): boolean =>
  bookings?.length === PAGE_SIZE &&
  bookings.every(({ seatCount, event }: Json) => seatCount === 1 && /^Concert \d/.test(event?.name));
