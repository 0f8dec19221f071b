import type { Pool } from 'mariadb';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PrismaClient } from '../generated/prisma/client.ts';
import type { EventSnapshot } from '../store/inventories.ts';
import {
  bookRequest,
  createBookingTestDatabase,
  createTestAllocator,
  holdRequest,
  joinRequest,
  makeEvent,
} from '../testing.ts';
import { closeNextEvent } from './close-events.ts';
import { BEFORE_ALL_EVENTS, type Finding, reconcileNextPage, reconcilePage } from './reconcile.ts';

describe('the reconciliation', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: PrismaClient;
  let pool: Pool;
  /** The facts that the event subgraph returns. */
  let facts: EventSnapshot[];
  const dependencies = () => ({ database, eventFacts: { fetch: async () => facts } });

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    ({ database, pool } = test.connect());
  });
  afterAll(() => test.remove());
  beforeEach(async () => {
    facts = [];
    await pool.query('DELETE FROM bookings');
    await pool.query('DELETE FROM holds');
    await pool.query('DELETE FROM waitlist_entries');
    await pool.query('DELETE FROM inventories');
    await pool.query("UPDATE reconciliations SET after_event_id = '', due_at = CURRENT_TIMESTAMP(3)");
  });

  async function reconcile(): Promise<Finding[]> {
    const findings: Finding[] = [];
    let afterId: string | undefined = BEFORE_ALL_EVENTS;
    while (afterId !== undefined) {
      afterId = await reconcilePage(dependencies(), { afterId, report: (finding) => findings.push(finding) });
    }
    return findings;
  }
  const relay = { nudge: () => undefined, requireRoom: () => undefined };
  const closeAll = async () => {
    while (await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false }));
  };
  const book = async (eventId: string) => {
    const outcome = await createTestAllocator(pool).submit(bookRequest({ eventId, seatCount: 2 }));
    expect(outcome.outcome).toBe('booked');
  };

  it('reports nothing for consistent events, including an event that is being closed', async () => {
    const event = await makeEvent(database);
    const cancelled = await makeEvent(database);
    for (const { eventId } of [event, cancelled]) await book(eventId);
    await pool.query("UPDATE inventories SET status = 'CANCELLED' WHERE event_id = ?", [cancelled.eventId]);
    facts = [event, cancelled];
    expect(await reconcile()).toEqual([]);
  });

  it('cancels confirmed bookings of a closed event, with one message each', async () => {
    const { eventId } = await makeEvent(database);
    await book(eventId);
    await pool.query(
      "UPDATE inventories SET status = 'CANCELLED', closed_at = CURRENT_TIMESTAMP(3) WHERE event_id = ?",
      [eventId],
    );
    await closeAll();
    expect(await database.booking.count({ where: { eventId, status: 'CONFIRMED' } })).toBe(1);

    expect(await reconcile()).toEqual([{ kind: 'open-bookings', eventId, isRepaired: true }]);
    await closeAll();
    expect(await database.booking.count({ where: { eventId, status: 'CONFIRMED' } })).toBe(0);
    expect(await database.inventory.findUnique({ where: { eventId } })).toMatchObject({ availableSeats: 100 });
    const messages = { subject: 'booking.cancelled.v1', payload: { contains: eventId } };
    expect(await database.outboxMessage.count({ where: messages })).toBe(1);
    expect(await reconcile()).toEqual([]);
  });

  it('cancels the bookings of an event whose cancellation message was lost', async () => {
    const event = await makeEvent(database);
    const { eventId } = event;
    await book(eventId);
    facts = [{ ...event, version: 2, status: 'CANCELLED' }];
    expect(await reconcile()).toEqual([{ kind: 'outdated-facts', eventId, isRepaired: true }]);
    await closeAll();
    expect(await database.booking.count({ where: { eventId, status: 'CONFIRMED' } })).toBe(0);
  });

  it('reports held seats that are not those of the holds, and changes nothing', async () => {
    const { eventId } = await makeEvent(database);
    await createTestAllocator(pool).submit(holdRequest({ eventId, seatCount: 3 }));
    expect(await reconcile()).toEqual([]);
    await pool.query("UPDATE holds SET status = 'RELEASED' WHERE event_id = ?", [eventId]);
    const seats = {
      totalSeats: 100,
      availableSeats: 97,
      confirmedSeats: 0,
      heldSeats: 3,
      seatsOfHolds: 0,
      waitingSeats: 0,
      seatsOfEntries: 0,
      isClosed: false,
    };
    expect(await reconcile()).toEqual([{ kind: 'wrong-seats', eventId, isRepaired: false, seats }]);
  });

  it('reports a waiting list whose seats differ from its entries', async () => {
    const { eventId } = await makeEvent(database, { initialSeats: 1 });
    await createTestAllocator(pool).submit(joinRequest({ eventId, seatCount: 2 }));
    expect(await reconcile()).toEqual([]);
    await pool.query("UPDATE waitlist_entries SET status = 'LEFT' WHERE event_id = ?", [eventId]);
    expect(await reconcile()).toMatchObject([
      { kind: 'wrong-seats', eventId, isRepaired: false, seats: { waitingSeats: 2, seatsOfEntries: 0 } },
    ]);
  });

  it('reports seats that do not add up, and changes nothing', async () => {
    const { eventId } = await makeEvent(database);
    await book(eventId);
    await pool.query('UPDATE inventories SET available_seats = 90 WHERE event_id = ?', [eventId]);
    const seats = {
      totalSeats: 100,
      availableSeats: 90,
      confirmedSeats: 2,
      heldSeats: 0,
      seatsOfHolds: 0,
      waitingSeats: 0,
      seatsOfEntries: 0,
      isClosed: false,
    };
    expect(await reconcile()).toEqual([{ kind: 'wrong-seats', eventId, isRepaired: false, seats }]);
    expect(await database.inventory.findUnique({ where: { eventId } })).toMatchObject({ availableSeats: 90 });
  });

  it('checks one page at a time, in one process at a time, and continues after a failure', async () => {
    const events = await Promise.all(Array.from({ length: 150 }, () => makeEvent(database)));
    await pool.query('UPDATE inventories SET available_seats = 90');
    const found: string[] = [];
    const turn = () => reconcileNextPage(dependencies(), ({ eventId }) => found.push(eventId));
    const makeDue = () => pool.query('UPDATE reconciliations SET due_at = CURRENT_TIMESTAMP(3)');
    await Promise.all([turn(), turn(), turn()]);
    expect(found).toHaveLength(100);
    await turn();
    expect(found).toHaveLength(100);

    await makeDue();
    const failing = { database, eventFacts: { fetch: () => Promise.reject(new Error('unavailable')) } };
    await expect(reconcileNextPage(failing, () => undefined)).rejects.toThrow('unavailable');
    await makeDue();
    await turn();
    expect(found.toSorted()).toEqual(events.map(({ eventId }) => eventId).sort());

    // The next round begins again at the first event.
    await makeDue();
    await turn();
    expect(found).toHaveLength(250);
  });
});
