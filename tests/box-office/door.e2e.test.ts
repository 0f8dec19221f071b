import { afterAll, beforeAll, expect, test } from 'vitest';
import { openVisitor } from '#tests/support/browser.ts';
import { type BoxOffice, createEvent, INSTALL_TIMEOUT_MS, openBoxOffice, register, signIn } from './box-office.ts';

let office: BoxOffice;
beforeAll(async () => {
  office = await openBoxOffice();
}, INSTALL_TIMEOUT_MS);
afterAll(() => office?.stop());

test('A guest shows their ticket, and the organizer lets them in once', async () => {
  const organizer = await register(office, 'Olga Organizer');
  const eventId = await createEvent(organizer, { name: 'Open Stage', totalSeats: 10 });
  const guest = await register(office, 'Ada Lovelace');
  await guest.client.book({ eventId, seatCount: 3 });

  const ada = await openVisitor(office.browser);
  await signIn(ada.page, office, guest, '/bookings');
  await ada.page.getByRole('button', { name: 'Show ticket' }).click();
  const ticket = ada.page.getByRole('dialog');
  await ticket.getByRole('img', { name: 'QR code of the ticket' }).locator('path').waitFor();
  const code = (await ticket.locator('.code').textContent()) ?? '';
  expect(code).toMatch(/^[A-Z2-7]{168}$/);

  const olga = await openVisitor(office.browser);
  await signIn(olga.page, office, organizer, `/organize/${eventId}`);
  const door = olga.page.getByRole('region', { name: 'Check-in' });
  const checkIn = async (guests: string, text = code) => {
    await door.getByLabel('Code of the ticket').fill(text);
    await door.getByLabel('Guests').fill(guests);
    await door.getByRole('button', { name: 'Check in' }).click();
  };
  await checkIn('2');
  await door.getByText('2 of 3 seats of Ada Lovelace are in.').waitFor();
  await door.getByText('2 seats checked in.', { exact: true }).first().waitFor();
  await checkIn('2');
  await door.getByText('Only 1 more guest can come in with this ticket.').waitFor();
  await checkIn('1');
  await door.getByText('3 of 3 seats of Ada Lovelace are in.').waitFor();
  await checkIn('1');
  await door.getByText('All guests of this ticket are in already.').waitFor();
  await checkIn('1', 'something else');
  await door.getByText('This is not a genuine ticket.').waitFor();
  await olga.page.getByRole('listitem').filter({ hasText: 'Ada Lovelace' }).getByText('3 checked in').waitFor();

  await ada.page.reload();
  await ada.page.getByRole('button', { name: 'Show ticket' }).waitFor();
  expect(await ada.page.getByRole('button', { name: 'Cancel booking' }).count()).toBe(0);
  expect([...ada.complaints, ...olga.complaints]).toEqual([]);
});
