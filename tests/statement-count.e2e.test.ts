import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { book, type Client, createEvent, signUp } from './support/client.ts';
import { connectTo } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const PAGE = `query Page($first: Int!) {
  bookings(first: $first) {
    nodes {
      id
      event { name availableSeats totalSeats bookings(first: 5) { nodes { id } } organizer { name events(first: 3) { nodes { id } } } }
      user { name bookings(first: 3) { nodes { id } } notifications(first: 3) { nodes { id } } }
      notifications { status }
    }
  }
}`;

/** Statements of background work, which do not belong to a request. */
const BACKGROUND =
  /SKIP LOCKED|outbox|inbox|webhook|unassigned_messages|idempotency_keys|closed_at` IS NULL|next_hold_expires_at <=|sessions|SELECT 1|SET SESSION|SAVEPOINT|^(SET autocommit|BEGIN|START TRANSACTION|COMMIT|ROLLBACK)/i;

describe('a page of bookings with their events, users and notifications', () => {
  let system: TestSystem;
  let connection: Connection;
  let ada: Client;

  beforeAll(async () => {
    system = await startTestSystem();
    connection = await connectTo(inject('servers').adminUrl);
    ada = await signUp(system.graphqlUrl);
    for (let i = 0; i < 20; i += 1) await book(ada, await createEvent(ada));
    const sent = async () =>
      (await ada.send('{ notifications(first: 100) { nodes { status } } }')).data.notifications.nodes;
    await vi.waitFor(
      async () => expect((await sent()).filter(({ status }: { status: string }) => status === 'SENT')).toHaveLength(20),
      { timeout: 20_000, interval: 200 },
    );
  });
  afterAll(async () => {
    await connection?.query('SET GLOBAL general_log = OFF');
    await connection?.end();
    await system?.stop();
  });

  /** Returns the statements that one query causes, by subgraph, from the general log of the database server. */
  async function countStatements(first: number): Promise<Record<string, string[]>> {
    await connection.query("SET GLOBAL log_output = 'TABLE'");
    await connection.query('TRUNCATE mysql.general_log');
    await connection.query('SET GLOBAL general_log = ON');
    const { data, errors } = await ada.send(PAGE, { first });
    await connection.query('SET GLOBAL general_log = OFF');
    expect(errors).toBeUndefined();
    expect(data.bookings.nodes).toHaveLength(first);
    const rows = await connection.query<{ statement: string; db: string }[]>(
      `SELECT CONVERT(argument USING utf8mb4) AS statement, DB AS db FROM mysql.general_log
       INNER JOIN information_schema.processlist ON processlist.ID = thread_id WHERE command_type = 'Query'`,
    );
    const counts: Record<string, string[]> = {};
    for (const [name, url] of Object.entries(system.databaseUrls)) {
      const own = rows.filter(({ db, statement }) => url.endsWith(`/${db}`) && !BACKGROUND.test(statement));
      counts[name] = own.map(({ statement }) => statement);
    }
    return counts;
  }

  it('needs the same number of statements for two bookings as for twenty', async () => {
    // The third time, all services execute the operation in its compiled form.
    for (let time = 0; time < 3; time += 1) await ada.send(PAGE, { first: 20 });
    const two = await countStatements(2);
    const twenty = await countStatements(20);
    for (const { user = [], ...others } of [two, twenty]) {
      const counts = Object.fromEntries(Object.entries(others).map(([name, { length }]) => [name, length]));
      // Booking: the page, its seats, and all nested lists in one. Event: the lists of the organizers; the rest is cached.
      expect(counts).toEqual({ event: 1, booking: 3, notification: 2 });
      // The owners and the organizers. They are read together when both are needed in the same moment.
      expect([1, 2]).toContain(user.length);
    }
  });

  it('control: one query per booking causes at least one statement per booking', async () => {
    const ids = (await ada.send('{ bookings { nodes { id } } }')).data.bookings.nodes.map(
      ({ id }: { id: string }) => id,
    );
    await connection.query('TRUNCATE mysql.general_log');
    await connection.query('SET GLOBAL general_log = ON');
    for (const id of ids) await ada.send('query One($id: ID!) { booking(id: $id) { id } }', { id });
    await connection.query('SET GLOBAL general_log = OFF');
    const [row] = await connection.query<{ count: bigint }[]>(
      `SELECT COUNT(*) AS count FROM mysql.general_log WHERE argument LIKE '%bookings%'`,
    );
    expect(Number(row?.count)).toBeGreaterThanOrEqual(20);
  });
});
