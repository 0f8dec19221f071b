import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  book,
  type Client,
  confirmHold,
  createEvent,
  joinWaitlist,
  leaveWaitlist,
  releaseHold,
  signUp,
} from './support/client.ts';
import { connectTo, expectNothingPending, expectSeatsAddUp } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const OFFER_TTL_SECONDS = 5;
const SOON = { timeout: 30_000, interval: 50 };
const ENTRY = `query Entry($id: ID!) {
  waitlistEntry(id: $id) { status seatCount entriesAhead event { id } user { id } endedAt hold { id status expiresAt } }
}`;
const SEATS = 'query Seats($id: ID!) { event(id: $id) { availableSeats heldSeats waitingSeats } }';
const CANCEL_BOOKING = `mutation Cancel($id: ID!) {
  cancelBooking(input: { id: $id }) { ... on CancelBookingPayload { booking { status } } }
}`;
const SET_CAPACITY = `mutation Raise($id: ID!, $seats: Int!) {
  setEventCapacity(input: { eventId: $id, totalSeats: $seats }) { __typename }
}`;
const DELETE_ACCOUNT = 'mutation { deleteAccount(input: { password: "correct horse battery" }) { __typename } }';
const OFFERS = '{ notifications { nodes { kind channel booking { id } hold { id } user { id } } } }';

describe('waiting lists, through the gateway', () => {
  let system: TestSystem;
  let olga: Client;
  let ada: Client;
  let bob: Client;
  let eve: Client;

  beforeAll(async () => {
    system = await startTestSystem({ env: { WAITLIST_HOLD_TTL_SECONDS: `${OFFER_TTL_SECONDS}` } });
    const clients: Client[] = [];
    for (let count = 0; count < 4; count += 1) clients.push(await signUp(system.graphqlUrl));
    [olga, ada, bob, eve] = clients as [Client, Client, Client, Client];
  });
  afterAll(() => system?.stop());

  const read = async (id: string, client = ada) => (await client.send(ENTRY, { id })).data.waitlistEntry;
  const seatsOf = async (id: string, client = olga) => (await client.send(SEATS, { id })).data.event;

  /** An event whose seats are all booked by its organizer. */
  async function createSoldOut(totalSeats: number) {
    const eventId = await createEvent(olga, { totalSeats });
    const bookings: string[] = [];
    for (let count = 0; count < totalSeats; count += 1) bookings.push((await book(olga, eventId)).booking.id);
    const cancelNext = () => olga.send(CANCEL_BOOKING, { id: bookings.pop() });
    return { eventId, cancelNext };
  }

  it('refuses to join while seats are free, says who is before, and returns the same entry again', async () => {
    const open = await createEvent(olga, { totalSeats: 2 });
    expect(await joinWaitlist(ada, open)).toMatchObject({ code: 'SEATS_AVAILABLE', availableSeats: 2 });
    expect(await joinWaitlist(ada, open, 11)).toMatchObject({ code: 'INVALID_INPUT', field: 'input.seatCount' });
    const { eventId } = await createSoldOut(2);
    const joined = await joinWaitlist(ada, eventId, 2);
    expect(joined).toMatchObject({
      replayed: false,
      entry: { status: 'WAITING', seatCount: 2, entriesAhead: 0, endedAt: null, hold: null },
    });
    const { id } = joined.entry;
    expect(await joinWaitlist(ada, eventId, 2)).toMatchObject({ replayed: true, entry: { id } });
    expect(await joinWaitlist(ada, eventId)).toMatchObject({ code: 'ALREADY_WAITING', entryId: id, seatCount: 2 });
    expect(await joinWaitlist(bob, eventId)).toMatchObject({ entry: { entriesAhead: 1 } });
    expect(await seatsOf(eventId)).toEqual({ availableSeats: 0, heldSeats: 0, waitingSeats: 3 });
    expect(await seatsOf(eventId, ada)).toEqual({ availableSeats: 0, heldSeats: null, waitingSeats: null });
    expect(await read(id, bob)).toBeNull();
    expect(await read(id, olga)).toMatchObject({ status: 'WAITING', event: { id: eventId } });
    expect(await leaveWaitlist(bob, id)).toMatchObject({ code: 'WAITLIST_ENTRY_NOT_FOUND' });
    for (const _time of [1, 2]) {
      expect(await leaveWaitlist(ada, id)).toMatchObject({ entry: { id, status: 'LEFT', entriesAhead: null } });
    }
    expect((await ada.send('{ me { waitlistEntries { nodes { id status } } } }')).data.me.waitlistEntries).toEqual({
      nodes: [{ id, status: 'LEFT' }],
    });
  });

  it('holds seats that come back for the first whose number fits, tells them, and refuses others', async () => {
    const { eventId, cancelNext } = await createSoldOut(3);
    const two = (await joinWaitlist(bob, eventId, 2)).entry.id;
    const one = (await joinWaitlist(ada, eventId, 1)).entry.id;
    await cancelNext();
    const offered = await read(one);
    expect(offered).toMatchObject({ status: 'OFFERED', entriesAhead: null, hold: { status: 'HELD' } });
    expect(Date.parse(offered.hold.expiresAt) - Date.parse(offered.endedAt)).toBe(OFFER_TTL_SECONDS * 1_000);
    expect(await read(two, bob)).toMatchObject({ status: 'WAITING', entriesAhead: 0 });
    expect(await book(eve, eventId)).toMatchObject({ code: 'SOLD_OUT' });
    expect(await leaveWaitlist(ada, one)).toMatchObject({ code: 'SEATS_OFFERED', holdId: offered.hold.id });
    await vi.waitFor(async () => {
      const { nodes } = (await ada.send(OFFERS)).data.notifications;
      expect(nodes).toContainEqual({
        kind: 'WAITLIST_OFFERED',
        channel: 'LOG',
        booking: null,
        hold: { id: offered.hold.id },
        user: { id: ada.userId },
      });
    }, SOON);
    expect(await confirmHold(ada, offered.hold.id)).toMatchObject({ booking: { id: offered.hold.id } });

    await olga.send(SET_CAPACITY, { id: eventId, seats: 5 });
    const second = await read(two, bob);
    expect(second).toMatchObject({ status: 'OFFERED', hold: { status: 'HELD' } });
    expect(await releaseHold(bob, second.hold.id)).toMatchObject({ hold: { status: 'RELEASED' } });
    expect(await seatsOf(eventId)).toEqual({ availableSeats: 2, heldSeats: 0, waitingSeats: 0 });
  });

  it('gives an offer that expires to the next one, by itself', async () => {
    const { eventId, cancelNext } = await createSoldOut(1);
    const first = (await joinWaitlist(ada, eventId)).entry.id;
    const second = (await joinWaitlist(bob, eventId)).entry.id;
    await cancelNext();
    expect(await read(first)).toMatchObject({ status: 'OFFERED' });
    await vi.waitFor(async () => expect(await read(second, bob)).toMatchObject({ status: 'OFFERED' }), SOON);
    expect(await read(first)).toMatchObject({ hold: { status: 'EXPIRED' } });
    const { hold } = await read(second, bob);
    expect(await confirmHold(bob, hold.id)).toMatchObject({ booking: { status: 'CONFIRMED' } });
  });

  it('ends with the cancellation of the event, by itself', async () => {
    const { eventId } = await createSoldOut(1);
    const { id } = (await joinWaitlist(ada, eventId)).entry;
    await olga.send(`mutation ($id: ID!) { cancelEvent(input: { id: $id, expectedVersion: 1 }) { __typename } }`, {
      id: eventId,
    });
    await vi.waitFor(async () => expect(await read(id)).toMatchObject({ status: 'ENDED', hold: null }), SOON);
    expect(await joinWaitlist(ada, eventId)).toMatchObject({ code: 'EVENT_CANCELLED' });
  });

  it('gives the place and the offer of a user who deletes their account to the others, and sends them nothing', async () => {
    const zoe = await signUp(system.graphqlUrl);
    const [offering, full, later] = [await createSoldOut(1), await createSoldOut(1), await createSoldOut(1)];
    const offered = (await joinWaitlist(zoe, offering.eventId)).entry.id;
    const next = (await joinWaitlist(ada, offering.eventId)).entry.id;
    const waiting = (await joinWaitlist(zoe, full.eventId)).entry.id;
    await offering.cancelNext();
    expect(await read(offered, olga)).toMatchObject({ status: 'OFFERED', hold: { status: 'HELD' } });
    const { data } = await zoe.send(DELETE_ACCOUNT);
    expect(data.deleteAccount.__typename).toBe('DeleteAccountPayload');
    await vi.waitFor(async () => expect(await read(waiting, olga)).toMatchObject({ status: 'LEFT' }), SOON);
    await vi.waitFor(async () => expect(await read(next)).toMatchObject({ status: 'OFFERED' }), SOON);

    // The access token still works. The offer ends by itself.
    const late = (await joinWaitlist(zoe, later.eventId)).entry.id;
    await later.cancelNext();
    expect(await read(late, olga)).toMatchObject({ status: 'OFFERED' });
    await expectNothingPending(system);
    const database = await connectTo(system.databaseUrls.notification);
    expect(await database.query('SELECT kind FROM notifications WHERE user_id = ?', [zoe.userId])).toEqual([]);
    await database.end();
    await vi.waitFor(async () => expect(await read(late, olga)).toMatchObject({ hold: { status: 'EXPIRED' } }), SOON);
  });

  it('leaves no message behind, and all seats add up', async () => {
    await expectNothingPending(system);
    const database = await connectTo(system.databaseUrls.booking);
    await expectSeatsAddUp(database);
    await database.end();
  });
});
