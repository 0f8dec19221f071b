import type { Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  CancelBookingDocument,
  CancelEventDocument,
  EditEventDocument,
  EventPageDocument,
  OwnBookingsDocument,
} from '#client/generated/graphql.ts';
import { openVisitor } from '#tests/support/browser.ts';
import { anonymous } from '#tests/support/client.ts';
import {
  type Account,
  type BoxOffice,
  createEvent,
  INSTALL_TIMEOUT_MS,
  openBoxOffice,
  PASSWORD,
  register,
  signIn,
} from './box-office.ts';

const SOON = { timeout: 20_000, interval: 50 };

let office: BoxOffice;
let organizer: Account;
beforeAll(async () => {
  office = await openBoxOffice();
  organizer = await register(office, 'Olga Organizer');
}, INSTALL_TIMEOUT_MS);
afterAll(() => office?.stop());

const readEvent = async (id: string) => (await organizer.client.request(EventPageDocument, { id })).event;

async function bookingsOf({ client }: Account, eventId: string) {
  const { bookings } = await client.request(OwnBookingsDocument, { filter: { eventId } });
  return bookings.nodes.map(({ seatCount, status }) => ({ seatCount, status }));
}

/** Lets a test decide what happens to each attempt to book. */
async function interceptBookings(page: Page, decide: (route: Route) => unknown): Promise<void> {
  await page.route('**/graphql', (route) =>
    route.request().postData()?.includes('mutation CreateBooking') ? decide(route) : route.continue(),
  );
}

const keyIn = (route: Route): string => route.request().postDataJSON().variables.input.idempotencyKey;

test('A visitor signs up, finds an event, books, sees seats and notifications arrive, and cancels', async () => {
  await createEvent(organizer, { name: 'Chamber Music', totalSeats: 5 });
  const eventId = await createEvent(organizer, { name: 'Opera by Candlelight', totalSeats: 20 });
  const { page, complaints } = await openVisitor(office.browser);
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));

  await page.goto(office.url);
  await page.getByRole('link', { name: 'Chamber Music' }).waitFor();
  await page.getByLabel('Search events').fill('ope');
  await page.getByRole('link', { name: 'Chamber Music' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Opera by Candlelight' }).click();
  await page.getByText('20 of 20 seats free').waitFor();

  await page.getByRole('link', { name: 'Sign in to book' }).click();
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();

  await page.getByLabel('Seats', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Book 2 seats' }).click();
  await page.getByText('You have booked 2 seats.').waitFor();
  await page.getByText('18 of 20 seats free').waitFor();
  await page.getByText('Booking confirmed').waitFor();

  const { client } = await register(office, 'Somebody Else');
  await client.book({ eventId, seatCount: 3 });
  await page.getByText('15 of 20 seats free').waitFor();

  await page.getByRole('link', { name: 'See my bookings' }).click();
  const ticket = page.getByRole('listitem').filter({ hasText: 'Opera by Candlelight' });
  await ticket.getByText('2 seats', { exact: true }).waitFor();
  await ticket.getByText('We sent you the confirmation on').waitFor();

  await ticket.getByRole('button', { name: 'Cancel booking' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel booking' }).click();
  await ticket.getByText('Cancelled', { exact: true }).waitFor();
  await page.getByText('Booking cancelled').waitFor();
  await ticket.getByText('We sent you the cancellation notice on').waitFor();
  expect((await readEvent(eventId))?.availableSeats).toBe(17);

  expect(requested.filter((url) => new URL(url).origin !== office.url)).toEqual([]);
  expect(complaints).toEqual([]);
});

test('The gateway of these tests answers only trusted documents', async () => {
  const { status, errors } = await anonymous(office.system.graphqlUrl).send('{ events { nodes { id } } }');
  expect({ status, errors }).toMatchObject({ status: 403, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
});

test('Two browsers race for the last seat: one wins, and the other is told that the event is sold out', async () => {
  const eventId = await createEvent(organizer, { name: 'The Last Seat', totalSeats: 1 });
  const attempts: Route[] = [];
  const buyers = await Promise.all(
    ['Bob', 'Cleo'].map(async (name) => {
      const visitor = await openVisitor(office.browser);
      await signIn(visitor.page, office, await register(office, name), `/events/${eventId}`);
      await interceptBookings(visitor.page, (route) => attempts.push(route));
      await visitor.page.getByRole('button', { name: 'Book 1 seat' }).click();
      return visitor;
    }),
  );
  await expect.poll(() => attempts.length, SOON).toBe(2);
  await Promise.all(attempts.map((route) => route.continue()));

  const outcomes = await Promise.all(
    buyers.map(async ({ page }) => {
      const words = page.getByText(/You have booked 1 seat|This event is sold out\. Others took the last seats/);
      return (await words.textContent())?.includes('You have booked') ? 'booked' : 'sold out';
    }),
  );
  expect(outcomes.toSorted()).toEqual(['booked', 'sold out']);
  for (const { page } of buyers) await page.locator('.availability').getByText('Sold out').waitFor();
  expect(buyers.flatMap(({ complaints }) => complaints)).toEqual([]);
});

test('A visitor in the line of an event sees their place, can leave, and gets the seats by itself in their turn', async () => {
  const eventId = await createEvent(organizer, { name: 'The Reunion', totalSeats: 10 });
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, await register(office, 'Lina Line'), `/events/${eventId}`);
  const inputs: { place?: string; idempotencyKey: string }[] = [];
  await interceptBookings(page, (route) => {
    inputs.push(route.request().postDataJSON().variables.input);
    if (inputs.length > 2) return route.continue();
    const comeBackAt = new Date(Date.now() + (inputs.length === 1 ? 60_000 : 1_500)).toISOString();
    const queued = { code: 'QUEUED', message: '', place: 'a-place', position: 41, comeBackAt };
    return route.fulfill({ json: { data: { createBooking: { __typename: 'QueuedError', ...queued } } } });
  });
  await page.getByRole('button', { name: 'Book 1 seat' }).click();
  await page.getByText('You are number 42 in the line.').waitFor();
  await page.getByRole('button', { name: 'Leave the line' }).click();
  await page.getByRole('button', { name: 'Book 1 seat' }).click();
  await page.getByText('You are number 42 in the line.').waitFor();
  await page.getByText('You have booked 1 seat.').waitFor();
  expect(inputs.map(({ place }) => place)).toEqual([undefined, undefined, 'a-place']);
  expect(new Set(inputs.slice(1).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  expect(complaints).toEqual([]);
});

test.each([
  ['has reached the server', (route: Route) => route.fetch()],
  ['has not reached the server', async () => undefined],
])('A reload while a booking is on its way makes exactly one booking: the request %s', async (_case, happen) => {
  const account = await register(office, 'Rita Reload');
  const eventId = await createEvent(organizer, { name: `Reload ${_case}`, totalSeats: 10 });
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, account, `/events/${eventId}`);
  const keys: string[] = [];
  let first: Promise<unknown> | undefined;
  await interceptBookings(page, (route) => {
    keys.push(keyIn(route));
    // Nobody answers the page before it is reloaded.
    if (keys.length === 1) first = happen(route);
    else void route.continue();
  });

  await page.getByLabel('Seats', { exact: true }).fill('3');
  await page.getByRole('button', { name: 'Book 3 seats' }).click();
  await expect.poll(() => keys.length, SOON).toBe(1);
  await first;
  await page.reload();
  await page.getByText('You have booked 3 seats.').waitFor();

  expect(keys.length).toBeGreaterThan(1);
  expect(new Set(keys).size).toBe(1);
  expect(await bookingsOf(account, eventId)).toEqual([{ seatCount: 3, status: 'CONFIRMED' }]);
  expect((await readEvent(eventId))?.availableSeats).toBe(7);

  await page.reload();
  await page.getByRole('button', { name: 'Book 1 seat' }).waitFor();
  expect(await bookingsOf(account, eventId)).toHaveLength(1);
  expect(complaints).toEqual([]);
});

test('Offline, a booking is kept in words and completes as one booking when the browser is back', async () => {
  const account = await register(office, 'Otto Offline');
  const eventId = await createEvent(organizer, { name: 'A Concert Without a Network', totalSeats: 10 });
  const { page, context, complaints } = await openVisitor(office.browser);
  await signIn(page, office, account, `/events/${eventId}`);
  await page.getByText('10 of 10 seats free').waitFor();

  await context.setOffline(true);
  await page.getByText('You are offline.').waitFor();
  await page.getByRole('button', { name: 'Book 1 seat' }).click();
  await page.getByText('There is no connection. Your request was not sent.').waitFor();
  await page.getByText('Your booking of 1 seat is kept.').waitFor();
  const { client } = await register(office, 'Somebody Else');
  await client.book({ eventId, seatCount: 4 });

  await context.setOffline(false);
  await page.getByText('You have booked 1 seat.').waitFor();
  await page.getByText('You are offline.').waitFor({ state: 'detached' });
  await page.getByText('5 of 10 seats free').waitFor();
  expect(await bookingsOf(account, eventId)).toEqual([{ seatCount: 1, status: 'CONFIRMED' }]);
  // The browser itself reports each request without a network.
  expect(complaints.filter((text) => !text.includes('net::ERR_'))).toEqual([]);
});

test('Held seats are kept through a reload, and are given back or booked', async () => {
  const eventId = await createEvent(organizer, { name: 'Encore', totalSeats: 3 });
  const account = await register(office, 'Hilda');
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, account, `/events/${eventId}`);
  const hold = async () => {
    await page.getByLabel('Seats', { exact: true }).fill('2');
    await page.getByRole('button', { name: 'Hold 2 seats while I decide' }).click();
    await page.getByText('2 seats held for you.').waitFor();
    await page.getByText('1 of 3 seats free').waitFor();
  };
  await hold();
  expect((await organizer.client.book({ eventId, seatCount: 2 })).__typename).toBe('SoldOutError');
  await page.reload();
  await page.getByText(/You have [45]:\d\d to book/).waitFor();
  await page.getByRole('button', { name: 'Give back' }).click();
  await page.getByText('3 of 3 seats free').waitFor();
  expect(await bookingsOf(account, eventId)).toEqual([]);

  await hold();
  await page.getByRole('button', { name: 'Book held seats' }).click();
  await page.getByText('You have booked 2 seats.').waitFor();
  expect(await bookingsOf(account, eventId)).toEqual([{ seatCount: 2, status: 'CONFIRMED' }]);
  expect(complaints).toEqual([]);
});

test('A visitor waits for seats of a sold-out event, and books them when they come back', async () => {
  const eventId = await createEvent(organizer, { name: 'Last Night', totalSeats: 1 });
  const sold = await organizer.client.book({ eventId, seatCount: 1 });
  const account = await register(office, 'Walter');
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, account, `/events/${eventId}`);
  const wait = () => page.getByRole('button', { name: 'Wait for 1 seat' }).click();
  await wait();
  await page.getByText('You wait for 1 seat. You are the first in line.').waitFor();
  await page.getByRole('button', { name: 'Stop waiting' }).click();
  await wait();
  await page.getByText('You are the first in line.').waitFor();

  if (sold.__typename !== 'CreateBookingPayload') throw new Error(sold.__typename);
  await organizer.client.request(CancelBookingDocument, { input: { id: sold.booking.id } });
  await page.getByText('1 seat held for you.').waitFor();
  await page.getByText(/You have \d+:\d\d:\d\d to book/).waitFor();
  await page.getByRole('button', { name: 'Book held seats' }).click();
  await page.getByText('You have booked 1 seat.').waitFor();
  expect(await bookingsOf(account, eventId)).toEqual([{ seatCount: 1, status: 'CONFIRMED' }]);
  expect(complaints).toEqual([]);
});

test('A cancelled event says so at once, and takes no bookings', async () => {
  const eventId = await createEvent(organizer, { name: 'Rain', totalSeats: 10 });
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, await register(office, 'Wanda'), `/events/${eventId}`);
  await page.getByRole('button', { name: 'Book 1 seat' }).waitFor();

  await organizer.client.request(CancelEventDocument, { input: { id: eventId, expectedVersion: 1 } });
  await page.locator('.availability').getByText('Cancelled').waitFor();
  expect(await page.getByRole('button', { name: /^Book/ }).count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('Before the sale, the page says when it starts. It opens the form at this time, and explains the limit', async () => {
  const salesStartAt = new Date(Date.now() + 15_000).toISOString();
  const eventId = await createEvent(organizer, { name: 'Premiere', totalSeats: 10, salesStartAt, maxSeatsPerUser: 3 });
  const account = await register(office, 'Petra');
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, account, `/events/${eventId}`);
  await page.getByText('Not on sale yet').waitFor();
  await page.getByText('The sale starts on').waitFor();
  expect(await page.getByRole('button', { name: /^Book/ }).count()).toBe(0);

  await page.getByRole('button', { name: 'Book 1 seat' }).waitFor();
  await page.getByText('At most 3 seats per person.').waitFor();
  await page.getByLabel('Seats', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Book 2 seats' }).click();
  await page.getByText('You have booked 2 seats.').waitFor();
  await page.getByRole('button', { name: 'Book more seats' }).click();
  await page.getByRole('button', { name: 'Book 2 seats' }).click();
  await page.getByText('One person can have at most 3 seats. You can book 1 seat more.').waitFor();
  expect(await bookingsOf(account, eventId)).toEqual([{ seatCount: 2, status: 'CONFIRMED' }]);
  expect(complaints).toEqual([]);
});

test('When the organizer ends the sale, the page says so at once, and takes no bookings', async () => {
  const eventId = await createEvent(organizer, { name: 'Finale', totalSeats: 10 });
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, await register(office, 'Fred'), `/events/${eventId}`);
  await page.getByRole('button', { name: 'Book 1 seat' }).waitFor();

  const salesEndAt = new Date(Date.now() - 1_000).toISOString();
  await organizer.client.request(EditEventDocument, { input: { id: eventId, expectedVersion: 1, salesEndAt } });
  await page.locator('.availability').getByText('Sale ended', { exact: true }).waitFor();
  expect(await page.getByRole('button', { name: /^Book/ }).count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('When the gateway restarts, the seats go on falling live', async () => {
  const eventId = await createEvent(organizer, { name: 'Second Act', totalSeats: 10 });
  const { page, complaints } = await openVisitor(office.browser);
  await page.goto(`${office.url}/events/${eventId}`);
  await page.getByText('10 of 10 seats free').waitFor();
  office.system.kill(office.url);
  await office.system.restart('gateway');
  await organizer.client.book({ eventId, seatCount: 6 });
  await page.getByText('4 of 10 seats free').waitFor();
  expect(complaints.filter((text) => !text.includes('net::ERR_'))).toEqual([]);
});
