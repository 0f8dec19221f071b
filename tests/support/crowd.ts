import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { clientAt, NoAnswerError } from './booking-process.ts';
import type { Buyer } from './buyers.ts';
import {
  book,
  type Client,
  confirmHold,
  holdSeats,
  joinWaitlist,
  leaveWaitlist,
  releaseHold,
  ticketCodeOf,
} from './client.ts';
import type { Known, Seats } from './known.ts';
import { oneOf } from './random.ts';

const GIVE_UP_MS = 60_000;
const RETRY_MS = 100;
const PAUSE_MS_MAX = 2_000;
const SEATS_MAX = 3;

const CANCEL = `mutation Cancel($input: CancelBookingInput!) {
  cancelBooking(input: $input) { ... on CancelBookingPayload { booking { status } } ... on DomainError { code } }
}`;
const CHECK_IN = `mutation CheckIn($input: CheckInInput!) {
  checkIn(input: $input) { ... on CheckInPayload { seats } ... on DomainError { code } }
}`;
const ENTRY = 'query Entry($id: ID!) { waitlistEntry(id: $id) { status hold { id status } } }';

/** Calls with a client of this user until there is an answer. */
type Ask = <Result>(user: Buyer, call: (client: Client) => Promise<Result>) => Promise<Result>;

/**
 * Returns a function that asks a random one of the booking processes. Without an answer it asks again, with the same
 * input. `urls` can change meanwhile.
 */
export function askAny(
  urls: readonly string[],
  { proof, random }: { proof: string; random: () => number },
): { ask: Ask; unansweredCount: () => number } {
  let unanswered = 0;
  const ask: Ask = async (buyer, call) => {
    const giveUpAtMs = performance.now() + GIVE_UP_MS;
    for (;;) {
      try {
        return await call(clientAt(oneOf(urls, random), { proof, buyer }));
      } catch (error) {
        if (!(error instanceof NoAnswerError) || performance.now() > giveUpAtMs) throw error;
        unanswered += 1;
        await delay(RETRY_MS);
      }
    }
  };
  return { ask, unansweredCount: () => unanswered };
}

/**
 * Acts as one user until `isOver`: books, holds, confirms, releases, cancels, waits in line and shows tickets at the
 * door, one after another and in random order.
 */
export async function actAtRandom(
  user: Buyer,
  {
    organizer,
    eventIds,
    holdMs,
    known,
    ask,
    random,
    isOver,
  }: {
    organizer: Buyer;
    eventIds: readonly string[];
    /** Holds are ended after a random time that can be a little longer than this. */
    holdMs: number;
    known: Known;
    ask: Ask;
    random: () => number;
    isOver: () => boolean;
  },
): Promise<void> {
  const { userId } = user;
  const bookingIds: string[] = [];
  const waiting = new Set<string>();
  let keys = 0;
  const nextKey = () => `${userId}-${++keys}`;

  function noteBooking(id: string, seats: Omit<Seats, 'status'>): void {
    known.bookings.set(id, { ...seats, status: 'CONFIRMED' });
    bookingIds.push(id);
  }
  async function refuse(code: string, eventId: string, seatCount: number): Promise<void> {
    known.refusals.add(code);
    if (code !== 'SOLD_OUT') return;
    const joined = await ask(user, (client) => joinWaitlist(client, eventId, seatCount));
    if (joined.entry === undefined) {
      known.refusals.add(joined.code);
      return;
    }
    known.entries.set(joined.entry.id, { userId, eventId, seatCount, status: 'WAITING' });
    waiting.add(joined.entry.id);
  }
  async function endHold(id: string, seats: Omit<Seats, 'status'>): Promise<void> {
    const hold = { ...seats, status: 'HELD' };
    known.holds.set(id, hold);
    if (random() < 0.3) {
      hold.status = (await ask(user, (client) => releaseHold(client, id))).hold.status;
      return;
    }
    const { booking, code } = await ask(user, (client) => confirmHold(client, id));
    if (booking === undefined) known.refusals.add(code);
    else noteBooking(booking.id, seats);
    hold.status = booking === undefined ? 'EXPIRED' : 'CONFIRMED';
  }

  const turns = {
    async book(eventId: string, seatCount: number) {
      const input = { seatCount, idempotencyKey: nextKey() };
      const { booking, code } = await ask(user, (client) => book(client, eventId, input));
      if (booking === undefined) await refuse(code, eventId, seatCount);
      else noteBooking(booking.id, { userId, eventId, seatCount });
    },
    async hold(eventId: string, seatCount: number) {
      const input = { seatCount, idempotencyKey: nextKey() };
      const { hold, code } = await ask(user, (client) => holdSeats(client, eventId, input));
      if (hold === undefined) return refuse(code, eventId, seatCount);
      known.holds.set(hold.id, { userId, eventId, seatCount, status: 'HELD' });
      await delay(random() * 1.2 * holdMs);
      if (random() < 0.9) await endHold(hold.id, { userId, eventId, seatCount });
    },
    async cancel() {
      const id = oneOf(bookingIds, random);
      const booking = known.bookings.get(id);
      if (booking === undefined) return;
      const { data } = await ask(user, (client) => client.send(CANCEL, { input: { id } }));
      if (data.cancelBooking.code === undefined) booking.status = data.cancelBooking.booking.status;
      else known.refusals.add(data.cancelBooking.code);
    },
    async checkIn() {
      const bookingId = oneOf(bookingIds, random);
      const booking = known.bookings.get(bookingId);
      if (booking?.status !== 'CONFIRMED') return;
      const { eventId } = booking;
      const code = await ask(user, (client) => ticketCodeOf(client, bookingId));
      const input = { eventId, code, seats: 1 + Math.floor(random() * 2), deviceKey: nextKey() };
      const sends = [1, 2].map(() => ask(organizer, (client) => client.send(CHECK_IN, { input })));
      const [one, other] = (await Promise.all(sends)).map(({ data }) => data.checkIn);
      expect(one, 'one key has one answer at the door').toEqual(other);
      if (one.code === undefined) known.checkIns.set(input.deviceKey, { bookingId, seats: one.seats });
      else known.refusals.add(one.code);
    },
    async leave() {
      const id = oneOf([...waiting], random);
      const entry = known.entries.get(id);
      if (entry === undefined) return;
      const { entry: left, code } = await ask(user, (client) => leaveWaitlist(client, id));
      if (left === undefined) known.refusals.add(code);
      else entry.status = left.status;
    },
  };
  const order = ['book', 'book', 'hold', 'hold', 'hold', 'cancel', 'cancel', 'checkIn', 'leave'] as const;

  while (!isOver()) {
    await delay(random() * PAUSE_MS_MAX);
    for (const id of waiting) {
      const entry = known.entries.get(id);
      const { data } = await ask(user, (client) => client.send(ENTRY, { id }));
      const { status, hold } = data.waitlistEntry;
      if (status !== 'WAITING') waiting.delete(id);
      if (entry !== undefined && hold?.status === 'HELD') await endHold(hold.id, entry);
    }
    await turns[oneOf(order, random)](oneOf(eventIds, random), 1 + Math.floor(random() * SEATS_MAX));
  }
}
