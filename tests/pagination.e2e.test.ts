import { randomUUID } from 'node:crypto';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createEvent, signUp } from './support/client.ts';
import { connectTo } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const ROWS = 1_000;
const PAGE_SIZE = 37;
const DAY_MS = 86_400_000;

interface Page {
  nodes: { id: string }[];
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

describe('reading a list in pages of 37 while rows are added', () => {
  let system: TestSystem;
  let ada: Client;
  let eventId: string;

  beforeAll(async () => {
    system = await startTestSystem();
    ada = await signUp(system.graphqlUrl);
    eventId = await createEvent(ada, { totalSeats: 10_000 });
  });
  afterAll(() => system?.stop());

  async function insert(name: 'event' | 'booking' | 'notification', sql: string, rows: unknown[][]): Promise<void> {
    const connection = await connectTo(system.databaseUrls[name]);
    await connection.batch(sql, rows);
    await connection.end();
  }

  /** Reads the whole list and adds rows after every page. Returns the ids in the order in which they were read. */
  async function walk<Data>(
    query: string,
    pick: (data: Data) => Page,
    addRows: () => Promise<void>,
  ): Promise<string[]> {
    const ids: string[] = [];
    let after: string | null = null;
    do {
      const { data, errors } = await ada.send<Data>(query, {
        first: PAGE_SIZE,
        after,
        id: eventId,
        userId: ada.userId,
      });
      expect(errors).toBeUndefined();
      const { nodes, edges, pageInfo }: Page = pick(data);
      expect(edges.map(({ node }) => node)).toEqual(nodes);
      expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor ?? null);
      expect(nodes.length).toBeLessThanOrEqual(PAGE_SIZE);
      ids.push(...nodes.map(({ id }) => id));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
      await addRows();
    } while (after !== null);
    return ids;
  }

  const page = (field: string) =>
    `${field} { nodes { id } edges { cursor node { id } } pageInfo { hasNextPage endCursor } }`;

  /** Checks that every old row was read once, and that no row was read twice. */
  function expectEachOnce(walked: readonly string[], old: readonly string[]): void {
    expect(new Set(walked).size).toBe(walked.length);
    const seen = new Set(walked);
    expect(old.filter((id) => !seen.has(id))).toEqual([]);
    expect(old.length).toBe(ROWS);
  }

  const paging = '(first: $first, after: $after)';

  describe('events, many of which start at the same time', () => {
    const sql = `INSERT INTO events (id, name, starts_at, organizer_id, initial_seats, indexed_version)
      VALUES (?, 'Walked', ?, ?, 1, 1)`;
    const indexSql = `INSERT INTO event_name_prefixes VALUES (?, 'walked', ?, 'SCHEDULED')`;
    const make = async (count: number, startsAt: (index: number) => Date) => {
      const rows = Array.from({ length: count }, (_, index) => [newId(), startsAt(index), ada.userId]);
      await insert('event', sql, rows);
      await insert(
        'event',
        indexSql,
        rows.map(([id, at]) => [id, at]),
      );
      return rows.map(([id]) => String(id));
    };
    const startMs = Math.floor(Date.now() / 1_000) * 1_000 + DAY_MS;
    const addRows = async () => void (await make(3, () => new Date(startMs + Math.floor(Math.random() * 20) * 1_000)));
    let old: string[];
    beforeAll(async () => {
      old = await make(ROWS, (index) => new Date(startMs + Math.floor(index / 50) * 1_000));
    });

    it('that have a word in their names: returns each old event once', async () => {
      const query = `query Walk($first: Int, $after: String) {
        ${page('events(first: $first, after: $after, filter: { nameContains: "Walked" })')}
      }`;
      expectEachOnce(await walk<{ events: Page }>(query, ({ events }) => events, addRows), old);
    });

    it('of an organizer: returns each old event once', async () => {
      const query = `query Walk($first: Int, $after: String) { me { ${page(`events${paging}`)} } }`;
      const walked = await walk<{ me: { events: Page } }>(query, ({ me }) => me.events, addRows);
      expectEachOnce(walked, old);
    });
  });

  describe('bookings', () => {
    let old: string[];
    const make = async (count: number) => {
      const sql = 'INSERT INTO bookings (id, event_id, user_id, seat_count) VALUES (?, ?, ?, 1)';
      const rows = Array.from({ length: count }, () => [newId(), eventId, ada.userId]);
      await insert('booking', sql, rows);
      return rows.map(([id]) => String(id));
    };
    const addRows = async () => void (await make(3));

    beforeAll(async () => {
      old = await make(ROWS);
    });

    type Data = { bookings: Page; user: { bookings: Page }; event: { bookings: Page } };
    it.each<[whose: string, query: string, pick: (data: Data) => Page]>([
      [
        'the reader',
        `query Walk($first: Int, $after: String) { ${page(`bookings${paging}`)} }`,
        ({ bookings }) => bookings,
      ],
      [
        'a user',
        `query Walk($first: Int, $after: String, $userId: ID!) {
          user(id: $userId) { ${page(`bookings${paging}`)} }
        }`,
        ({ user }) => user.bookings,
      ],
      [
        'an event',
        `query Walk($first: Int, $after: String, $id: ID!) {
          event(id: $id) { ${page(`bookings${paging}`)} }
        }`,
        ({ event }) => event.bookings,
      ],
    ])('of %s: returns each old booking once', async (_whose, query, pick) => {
      expectEachOnce(await walk(query, pick, addRows), old);
    });
  });

  it('returns each old notification once', async () => {
    const sql = `INSERT INTO notifications (id, booking_id, user_id, event_id, seat_count, kind, channel, status)
      VALUES (?, ?, ?, ?, 1, 'BOOKING_CONFIRMED', 'LOG', 'SENT')`;
    const make = async (count: number) => {
      const rows = Array.from({ length: count }, () => [newId(), randomUUID(), ada.userId, eventId]);
      await insert('notification', sql, rows);
      return rows.map(([id]) => String(id));
    };
    const old = await make(ROWS);
    const query = `query Walk($first: Int, $after: String) {
      ${page('notifications(first: $first, after: $after)')}
    }`;
    const pick = ({ notifications }: { notifications: Page }) => notifications;
    expectEachOnce(await walk(query, pick, async () => void (await make(3))), old);
  });
});
