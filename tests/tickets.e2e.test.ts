import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  book,
  type Client,
  checkIn,
  createEvent,
  PASSWORD,
  signUp,
  signUpAdmin,
  ticketCodeOf,
} from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const CANCEL = `mutation Cancel($id: ID!) {
  cancelBooking(input: { id: $id }) {
    __typename
    ... on CancelBookingPayload { booking { status ticket { code } } }
    ... on BookingCheckedInError { code checkedInSeats }
  }
}`;

describe('tickets, through the gateway', () => {
  let system: TestSystem;
  let olga: Client;
  let ada: Client;
  let admin: Client;
  let eventId: string;

  beforeAll(async () => {
    system = await startTestSystem();
    olga = await signUp(system.graphqlUrl, 'Olga');
    ada = await signUp(system.graphqlUrl, 'Ada');
    admin = await signUpAdmin(system);
    eventId = await createEvent(olga);
  });
  afterAll(() => system?.stop());

  const bookSeats = async (seatCount: number, about = eventId): Promise<string> =>
    (await book(ada, about, { seatCount })).booking.id;
  const cancel = async (id: string) => (await ada.send(CANCEL, { id })).data.cancelBooking;

  it('a ticket is the same every time, and the documented lines verify it with the published keys', async () => {
    const id = await bookSeats(2);
    const code = await ticketCodeOf(ada, id);
    expect(await ticketCodeOf(admin, id)).toBe(code);
    const { data } = await olga.send(
      'query ($id: ID!) { ticketKeys { id publicKey } booking(id: $id) { ticket { code } } }',
      {
        id,
      },
    );
    expect(data.booking).toEqual({ ticket: null });
    const [, example = ''] = /```js\n([\s\S]+?)```/.exec(readFileSync('docs/tickets.md', 'utf8')) ?? [];
    const { readTicket } = await import(`data:text/javascript,${encodeURIComponent(example)}`);
    expect(readTicket(code, data.ticketKeys)).toEqual({ bookingId: id, eventId, seatCount: 2 });
  });

  it('guests arrive in parts, at any number of doors, and never more than there are seats', async () => {
    const code = await ticketCodeOf(ada, await bookSeats(5));
    const before = (await olga.send('query ($id: ID!) { event(id: $id) { checkedInSeats } }', { id: eventId })).data;
    const retried = { eventId, code, seats: 2, deviceKey: 'first-door-first-scan' };
    expect(await checkIn(olga, retried)).toMatchObject({
      seats: 2,
      replayed: false,
      booking: { seatCount: 5, checkedInSeats: 2, user: { name: 'Ada' } },
    });
    expect(await checkIn(olga, retried)).toMatchObject({ seats: 2, replayed: true, booking: { checkedInSeats: 2 } });
    expect(await checkIn(olga, { ...retried, seats: 1 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await checkIn(olga, { eventId, code, seats: 4 })).toMatchObject({ code: 'TOO_MANY_SEATS', seatsLeft: 3 });
    const doors = await Promise.all(Array.from({ length: 20 }, () => checkIn(olga, { eventId, code })));
    const refused = doors.filter((door) => door.code === 'ALREADY_CHECKED_IN' && door.seatsLeft === 0);
    expect([doors.length - refused.length, refused.length]).toEqual([3, 17]);
    const after = (await olga.send('query ($id: ID!) { event(id: $id) { checkedInSeats } }', { id: eventId })).data;
    expect(after.event.checkedInSeats - before.event.checkedInSeats).toBe(5);
  });

  it('a scanner may add spaces and read small letters', async () => {
    const code = await ticketCodeOf(ada, await bookSeats(1));
    expect(await checkIn(olga, { eventId, code: ` ${code.toLowerCase()}\n` })).toMatchObject({ replayed: false });
  });

  it('refuses a forged code, a ticket of another event, and input without sense', async () => {
    const other = await createEvent(olga);
    const code = await ticketCodeOf(ada, await bookSeats(1, other));
    expect(await checkIn(olga, { eventId, code })).toMatchObject({ code: 'WRONG_EVENT', eventId: other });
    const forged = code.slice(0, -1) + (code.endsWith('A') ? 'B' : 'A');
    for (const text of [forged, code.slice(1), '', 'x']) {
      expect(await checkIn(olga, { eventId: other, code: text })).toMatchObject({ code: 'INVALID_TICKET' });
    }
    const field = async (change: object) => (await checkIn(olga, { eventId: other, code, ...change })).field;
    expect(await field({ seats: 0 })).toBe('input.seats');
    expect(await field({ seats: 11 })).toBe('input.seats');
    expect(await field({ deviceKey: 'short' })).toBe('input.deviceKey');
    expect(await field({ code: 'A'.repeat(257) })).toBe('input.code');
    expect(await checkIn(olga, { eventId: 'none', code })).toMatchObject({ code: 'EVENT_NOT_FOUND' });
  });

  it('the ticket of a cancelled booking is refused, and a checked-in booking is not cancelled', async () => {
    const [cancelled, used] = [await bookSeats(2), await bookSeats(2)];
    const [code, usedCode] = [await ticketCodeOf(ada, cancelled), await ticketCodeOf(ada, used)];
    expect(await cancel(cancelled)).toMatchObject({ booking: { status: 'CANCELLED', ticket: null } });
    expect(await checkIn(olga, { eventId, code })).toMatchObject({
      code: 'TICKET_CANCELLED',
      cancelledAt: expect.any(String),
    });
    expect(await checkIn(olga, { eventId, code: usedCode })).toMatchObject({ seats: 1 });
    expect(await cancel(used)).toEqual({
      __typename: 'BookingCheckedInError',
      code: 'BOOKING_CHECKED_IN',
      checkedInSeats: 1,
    });
  });

  it('the ticket of a deleted account still lets its guests in, and the door does not learn who it was', async () => {
    const guest = await signUp(system.graphqlUrl, 'Augusta');
    const code = await ticketCodeOf(guest, (await book(guest, eventId, { seatCount: 2 })).booking.id);
    const { data } = await guest.send(
      'mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) { __typename } }',
      { input: { password: PASSWORD } },
    );
    expect(data.deleteAccount.__typename).toBe('DeleteAccountPayload');
    expect(await checkIn(olga, { eventId, code })).toMatchObject({
      booking: { checkedInSeats: 1, user: { name: 'Deleted user' } },
    });
  });
});
