import { readFileSync } from 'node:fs';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EditEventDocument, EventPageDocument } from '#client/generated/graphql.ts';
import { openVisitor } from '#tests/support/browser.ts';
import { connectTo } from '#tests/support/invariants.ts';
import {
  type BoxOffice,
  createEvent,
  INSTALL_TIMEOUT_MS,
  openBoxOffice,
  register,
  registerAdmin,
  signIn,
} from './box-office.ts';

const SOON = { timeout: 20_000, interval: 50 };

let office: BoxOffice;
beforeAll(async () => {
  office = await openBoxOffice();
}, INSTALL_TIMEOUT_MS);
afterAll(() => office?.stop());

test('An organizer creates an event, changes it and its seats, sees who books, and cancels it', async () => {
  const organizer = await register(office, 'Olga Organizer');
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, organizer, '/organize');
  await page.getByText('Your first event needs a name').waitFor();

  await page.getByRole('link', { name: 'New event' }).click();
  await page.getByLabel('Name').fill('Poetry Slam');
  await page.getByLabel('Starts at').fill('2020-01-01T20:00');
  await page.getByLabel('Place').fill('The Cellar');
  await page.getByLabel('Seats').fill('30');
  await page.getByRole('button', { name: 'Create event' }).click();
  await page.getByText('Must be in the future.').waitFor();
  const year = new Date().getFullYear() + 1;
  await page.getByLabel('Starts at').fill(`${year}-06-01T20:00`);
  await page.getByRole('button', { name: 'Create event' }).click();
  await page.getByRole('heading', { name: 'Poetry Slam' }).waitFor();
  await page.getByText('30 seats free').waitFor();
  const eventId = page.url().split('/').at(-1) ?? '';

  await page.getByLabel('Name').fill('Poetry Slam Final');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByRole('heading', { name: 'Poetry Slam Final' }).waitFor();

  await page.getByLabel('Sale opens').fill(`${year}-06-01T20:00`);
  await page.getByLabel('Limit per person').fill('4');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Must be before the start of the event.').waitFor();
  await page.getByLabel('Sale opens').fill('2020-01-01T09:00');
  await page.getByLabel('Sale closes').fill(`${year}-06-01T18:00`);
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect
    .poll(async () => (await organizer.client.request(EventPageDocument, { id: eventId })).event, SOON)
    .toMatchObject({ version: 3, maxSeatsPerUser: 4, salesStartAt: expect.anything(), salesEndAt: expect.anything() });
  await expect.poll(() => page.getByLabel('Limit per person').inputValue(), SOON).toBe('4');

  const input = { id: eventId, expectedVersion: 3, venue: 'The Attic' };
  const { updateEvent } = await organizer.client.request(EditEventDocument, { input });
  expect(updateEvent.__typename).toBe('UpdateEventPayload');
  await page.getByLabel('Name').fill('Poetry Slam Grand Final');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Somebody else changed this event in the meantime.').waitFor();
  await expect.poll(() => page.getByLabel('Place').inputValue(), SOON).toBe('The Attic');

  const { client } = await register(office, 'Ada Lovelace');
  await client.book({ eventId, seatCount: 4 });
  await page.reload();
  await page.getByRole('listitem').filter({ hasText: 'Ada Lovelace' }).getByText('4 seats').waitFor();
  await page.getByText('4 seats sold, 0 held, 0 cancelled').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the attendees' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`attendees-${eventId}.csv`);
  expect(readFileSync(await download.path(), 'utf8')).toMatch(
    /^booking,name,email,.*\r\n.*,Ada Lovelace,.*,4,CONFIRMED,/,
  );
  await page.getByLabel('Seats in total').fill('3');
  await page.getByRole('button', { name: 'Change the number of seats' }).click();
  await page.getByText('4 seats are already booked or held.').waitFor();
  await page.getByLabel('Seats in total').fill('40');
  await page.getByRole('button', { name: 'Change the number of seats' }).click();
  await page.getByText('36 seats free').waitFor();

  await page.getByRole('button', { name: 'Cancel event' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel event' }).click();
  await page.getByRole('button', { name: 'Save changes' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Organize' }).click();
  await page.getByRole('link', { name: 'Poetry Slam Final' }).getByText('Cancelled').waitFor();
  expect(complaints).toEqual([]);
});

test('An organizer adds a webhook, sees its messages, sends one again, changes it and deletes it', async () => {
  const organizer = await register(office, 'Olga Organizer');
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, organizer, '/organize');
  await page.getByRole('link', { name: 'Webhooks' }).click();
  await page.getByText('No endpoints yet').waitFor();
  await page.getByLabel('Address').fill('https://10.0.0.1/hooks');
  await page.getByRole('button', { name: 'Add endpoint' }).click();
  await page.getByText('Must not be an address of a private network.').waitFor();
  await page.getByLabel('Address').fill('https://tickets.example/hooks');
  await page.getByLabel('Event changed').uncheck();
  await page.getByRole('button', { name: 'Add endpoint' }).click();
  await page.getByText(/^whsec_/).waitFor();

  await createEvent(organizer, { name: 'Poetry Slam', totalSeats: 30 });
  await page.getByRole('link', { name: 'https://tickets.example/hooks' }).click();
  await page.getByRole('heading', { name: 'tickets.example' }).waitFor();
  await page.getByText('1 attempt').click();
  await page.getByText('NAME_NOT_FOUND').or(page.getByText('TIMEOUT')).or(page.getByText('REQUEST_FAILED')).waitFor();
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('2 attempts').waitFor();
  expect(await page.getByLabel('Event changed').isChecked()).toBe(false);

  await page.getByRole('button', { name: 'Switch off' }).click();
  await page.getByText('Switched off').waitFor();
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('This endpoint is off. Switch it on first.').waitFor();
  await page.getByRole('button', { name: 'Switch on' }).click();
  await page.getByRole('button', { name: 'Switch off' }).waitFor();
  await page.getByRole('button', { name: 'New secret' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).click();
  await page.getByText(/^whsec_/).waitFor();
  await page.getByRole('button', { name: 'Delete endpoint' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete endpoint' }).click();
  await page.getByText('No endpoints yet').waitFor();
  expect(complaints).toEqual([]);
});

test('Nobody can edit the event of somebody else', async () => {
  const eventId = await createEvent(await register(office, 'Olga Organizer'), { name: 'Private', totalSeats: 3 });
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, await register(office, 'Mallory'), `/organize/${eventId}`);
  await page.getByText('You have no such event').waitFor();
  expect(complaints).toEqual([]);
});

test('An admin redrives dead letters and retries failed notifications', async () => {
  const admin = await registerAdmin(office, 'Grace Hopper');
  const eventId = await createEvent(admin, { name: 'Compiler Night', totalSeats: 5 });
  const { client } = await register(office, 'Ada Lovelace');
  const booked = await client.book({ eventId, seatCount: 1 });
  const bookingId = booked.__typename === 'CreateBookingPayload' && booked.booking.id;
  const notifications = await connectTo(office.system.ownerUrl('notification'));
  const statusOf = async () =>
    (await notifications.query('SELECT status FROM notifications WHERE booking_id = ?', [bookingId]))[0]?.status;
  await expect.poll(statusOf, SOON).toBe('SENT');
  await notifications.query("UPDATE notifications SET status = 'FAILED' WHERE booking_id = ?", [bookingId]);
  await notifications.query(
    'INSERT INTO dead_letters (id, consumer, subject, payload, reason, deliveries) VALUES (?, ?, ?, ?, ?, 5)',
    [newId(), 'notification-bookings', 'booking.confirmed.v1', 'not JSON', 'The message is not JSON.'],
  );

  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, admin, '/admin');
  const letter = page.getByRole('listitem').filter({ hasText: 'The message is not JSON.' });
  await letter.getByText('not JSON', { exact: true }).waitFor();
  await letter.getByRole('button', { name: 'Redrive' }).click();
  await letter.getByText('Redriven').waitFor();

  await page.getByRole('tab', { name: 'Failed notifications' }).click();
  const failed = page.getByRole('listitem').filter({ hasText: 'Confirmation for Ada Lovelace' });
  await failed.getByText('Compiler Night').waitFor();
  await failed.getByRole('button', { name: 'Retry' }).click();
  await page.getByText('No failed notifications').waitFor();
  await expect.poll(statusOf, SOON).toBe('SENT');
  await notifications.end();
  expect(complaints).toEqual([]);
});

test('The admin page is not for others', async () => {
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, await register(office, 'Ada Lovelace'), '/admin');
  await page.getByText('This page is for admins').waitFor();
  expect(await page.getByRole('link', { name: 'Admin' }).count()).toBe(0);
  expect(complaints).toEqual([]);
});
