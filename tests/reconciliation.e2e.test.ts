import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { book, type Client, createEvent, signUp } from './support/client.ts';
import { connectTo, expectSeatsAddUp } from './support/invariants.ts';
import { reconcile } from './support/reconcile.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const SOON = { timeout: 20_000, interval: 50 };
const REQUEST_ID = 'the-request-that-cancels';

describe('the bookings of a cancelled event', () => {
  let system: TestSystem;
  let database: Connection;
  let organizer: Client;
  let eventId: string;

  beforeAll(async () => {
    system = await startTestSystem();
    database = await connectTo(system.databaseUrls.booking);
    organizer = await signUp(system.graphqlUrl);
    eventId = await createEvent(organizer);
    for (let count = 0; count < 3; count += 1) await book(organizer, eventId);
  });
  afterAll(async () => {
    await database?.end();
    await system?.stop();
  });

  const openBookings = async () => {
    const rows = await database.query('SELECT id FROM bookings WHERE event_id = ? AND status = ?', [
      eventId,
      'CONFIRMED',
    ]);
    return rows.length;
  };

  it('are cancelled, and their messages have the id of the request that cancelled the event', async () => {
    const answer = await fetch(system.graphqlUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${organizer.accessToken}`,
        'x-request-id': REQUEST_ID,
      },
      body: JSON.stringify({
        query: `mutation Cancel($input: CancelEventInput!) {
          cancelEvent(input: $input) { ... on UpdateEventPayload { event { id } } ... on DomainError { code message } }
        }`,
        variables: { input: { id: eventId, expectedVersion: 1 } },
      }),
    });
    expect(await answer.json()).toMatchObject({ data: { cancelEvent: { event: { id: eventId } } } });
    await vi.waitFor(async () => expect(await openBookings()).toBe(0), SOON);
    const messages = await database.query<{ payload: string }[]>(
      "SELECT payload FROM outbox WHERE subject = 'booking.cancelled.v1'",
    );
    expect(messages.map(({ payload }) => JSON.parse(payload).correlationid)).toEqual(Array(3).fill(REQUEST_ID));
  });

  it('are cancelled by npm run reconcile if they are still open, and wrong seat counts are only reported', async () => {
    expect(await reconcile(system)).toMatchObject({ stdout: expect.stringContaining('are consistent') });

    await vi.waitFor(async () => {
      const closed = 'SELECT event_id FROM inventories WHERE event_id = ? AND closed_at IS NOT NULL';
      expect(await database.query(closed, [eventId])).toHaveLength(1);
    }, SOON);
    await database.query("UPDATE bookings SET status = 'CONFIRMED', cancelled_at = NULL WHERE event_id = ?", [eventId]);
    await database.query('UPDATE inventories SET available_seats = available_seats - 3 WHERE event_id = ?', [eventId]);
    expect(await reconcile(system)).toMatchObject({
      stdout: expect.stringContaining(`${eventId}: bookings stayed open on the cancelled event`),
    });
    await vi.waitFor(async () => expect(await openBookings()).toBe(0), SOON);
    await expectSeatsAddUp(database);

    await database.query('UPDATE inventories SET available_seats = 7 WHERE event_id = ?', [eventId]);
    expect(await reconcile(system)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`${eventId}: 100 seats, but 7 available, 0 booked and 0 held`),
      stderr: expect.stringContaining('not repaired: 1.'),
    });
    const [inventory] = await database.query('SELECT available_seats FROM inventories WHERE event_id = ?', [eventId]);
    expect(inventory).toEqual({ available_seats: 7 });
  });

  it('cannot be checked without the event subgraph: npm run reconcile fails and says so', async () => {
    system.kill(system.urls.event);
    expect(await reconcile(system)).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be reached') });
  });
});
