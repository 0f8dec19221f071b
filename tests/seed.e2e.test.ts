import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCatalogue, DEMO_ADMIN, DEMO_PASSWORD, DEMO_USER, type SeedUser } from '../scripts/seed/catalogue.ts';
import { seedDemoUser } from '../scripts/seed/demo-user.ts';
import { seedCatalogue } from '../scripts/seed.ts';
import { connectTo, expectAllNotified, expectSeatsAddUp } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const { users, events } = createCatalogue();
const bookings = events.flatMap((event) => event.bookings);
const cancelledBookings = events.flatMap((event) =>
  event.bookings.filter((booking) => event.isCancelled || booking.isCancelled),
);
const bookedSeats = (event: (typeof events)[number]) =>
  event.bookings.reduce((seats, { seatCount, isCancelled }) => seats + (isCancelled ? 0 : seatCount), 0);

const SEED_TIMEOUT_MS = 120_000;

const EVENTS = `{ events(first: 100) {
  nodes { id name status startsAt totalSeats availableSeats organizer { name } }
  pageInfo { hasNextPage }
} }`;
const MINE =
  '{ bookings(first: 100) { nodes { seatCount status event { name } user { name } notifications { kind } } } }';

describe('npm run seed', () => {
  let system: TestSystem;
  beforeAll(async () => {
    // The seed must stay within the limits of a system that npm start has started.
    system = await startTestSystem({ env: { RATE_LIMITS: 'on' } });
  });
  afterAll(() => system?.stop());

  const seed = () => seedCatalogue(system.graphqlUrl, system.databaseUrls.user);
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its answer
  async function send(query: string, accessToken?: string): Promise<any> {
    const answer = await fetch(system.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
      body: JSON.stringify({ query }),
    });
    return ((await answer.json()) as { data: unknown }).data;
  }
  async function sendAs({ email }: SeedUser, query: string) {
    const input = `{ email: "${email}", password: "${DEMO_PASSWORD}" }`;
    const { signIn } = await send(`mutation { signIn(input: ${input}) { ... on Session { accessToken } } }`);
    return send(query, signIn.accessToken);
  }
  /** Returns everything that the seed adds. */
  async function readAll() {
    const rowsOf = async (name: 'user' | 'booking', query: string) => {
      const connection = await connectTo(system.databaseUrls[name]);
      const rows: { id: string; status?: string }[] = await connection.query(query);
      await connection.end();
      return rows;
    };
    return {
      events: (await send(EVENTS)).events.nodes,
      users: await rowsOf('user', 'SELECT id, email, role FROM users ORDER BY id'),
      bookings: await rowsOf('booking', 'SELECT id, seat_count, status, user_id, event_id FROM bookings ORDER BY id'),
    };
  }

  it(
    'completes the demo data of npm start, and a second run adds nothing',
    async () => {
      expect(await seedDemoUser(system.graphqlUrl)).toBe('created');
      expect(await seed()).toEqual({ users: 199, events: 25, bookings: bookings.length });
      await expectAllNotified(system);
      // The booking subgraph learns of the cancelled event from a message. Then it cancels the bookings.
      const before = await vi.waitFor(
        async () => {
          const all = await readAll();
          expect(all.bookings.filter(({ status }) => status === 'CANCELLED')).toHaveLength(cancelledBookings.length);
          return all;
        },
        { timeout: 30_000, interval: 100 },
      );
      expect(before.users).toHaveLength(users.length);
      expect(before.bookings).toHaveLength(bookings.length);
      expect(await seed()).toEqual({ users: 0, events: 0, bookings: 0 });
      expect(await seedDemoUser(system.graphqlUrl)).toBe('already there');
      expect(await readAll()).toEqual(before);
    },
    SEED_TIMEOUT_MS,
  );

  it('makes the events of the catalogue, in the future, with the seats that its bookings leave', async () => {
    const present = (await send(EVENTS)).events;
    expect(present.pageInfo.hasNextPage).toBe(false);
    const byName = (one: { name: string }, other: { name: string }) => one.name.localeCompare(other.name);
    const midnightMs = new Date().setUTCHours(0, 0, 0, 0);
    expect(present.nodes.toSorted(byName)).toEqual(
      events.toSorted(byName).map((event) => ({
        id: expect.any(String),
        name: event.name,
        status: event.isCancelled ? 'CANCELLED' : 'SCHEDULED',
        startsAt: new Date(midnightMs + event.startsInMinutes * 60_000).toISOString(),
        totalSeats: event.totalSeats,
        availableSeats: event.totalSeats - (event.isCancelled ? 0 : bookedSeats(event)),
        organizer: { name: event.organizer.name },
      })),
    );
  });

  it('sells through the system: seats add up, and each booking and cancellation has a notification', async () => {
    const connection = await connectTo(system.databaseUrls.booking);
    await expectSeatsAddUp(connection);
    await connection.end();
    await expectAllNotified(system);
  });

  it('gives the demo user their bookings, and the admin the rights of an admin', async () => {
    const { nodes } = (await sendAs(DEMO_USER, MINE)).bookings;
    const planned = events.filter((event) => event.bookings.some(({ user }) => user === DEMO_USER));
    // biome-ignore lint/suspicious/noExplicitAny: see send
    expect(nodes.map(({ event }: any) => event.name).toSorted()).toEqual(planned.map(({ name }) => name).toSorted());
    const confirmed = {
      status: 'CONFIRMED',
      user: { name: 'Demo User' },
      notifications: [{ kind: 'BOOKING_CONFIRMED' }],
    };
    // biome-ignore lint/suspicious/noExplicitAny: see send
    expect(nodes.filter(({ status }: any) => status === 'CONFIRMED')).toEqual(
      Array.from({ length: 3 }, () => expect.objectContaining(confirmed)),
    );
    expect((await sendAs(DEMO_ADMIN, '{ users(first: 1) { nodes { email } } }')).users.nodes).toHaveLength(1);
  });
});
