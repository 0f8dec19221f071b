import { existsSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import { openVisitor, type Visitor } from '#tests/support/browser.ts';
import { connectTo } from '#tests/support/invariants.ts';
import {
  type Account,
  type BoxOffice,
  createEvent,
  INSTALL_TIMEOUT_MS,
  openBoxOffice,
  register,
  registerAdmin,
  signIn,
} from './box-office.ts';

const PHONE = { width: 360, height: 740 };
const SOON = { timeout: 30_000, interval: 100 };
const DESKTOP = { width: 1_280, height: 800 };

/** With SCREENSHOTS=1, takes the pictures of docs/box-office.md again. */
async function takePicture(page: Page, name: string): Promise<void> {
  const file = join(root, 'docs/box-office', `${name}.png`);
  if (process.env.SCREENSHOTS === '1' && existsSync(file)) await page.screenshot({ path: file });
}

const EVENTS = [
  { name: 'Last Table at the Lighthouse', venue: 'The Lighthouse', totalSeats: 2, inDays: 7 },
  { name: 'Chamber Music at the Old Mill', venue: 'The Old Mill, Great Hall', totalSeats: 120, inDays: 14 },
  { name: 'TypeScript Without a Build Step', venue: 'Riverside Campus, Room 2', totalSeats: 40, inDays: 21 },
  { name: 'City Marathon', venue: 'Market Square', totalSeats: 5_000, inDays: 45 },
  { name: 'Open-Air Cinema: Metropolis', venue: 'Botanical Garden', totalSeats: 300, inDays: 60 },
  { name: 'Late-Night Jazz Trio', venue: 'The Blue Room', totalSeats: 60, inDays: 62 },
];
const DESCRIPTION =
  'Four musicians play Haydn, Ravel and a new piece for strings between the old millstones.\n\nThe doors open one hour before. The hall has a ramp, and there are seats for wheelchairs in the first row.';

let office: BoxOffice;
let admin: Account;
let soldOutId = '';
let openId = '';
beforeAll(async () => {
  office = await openBoxOffice();
  admin = await registerAdmin(office, 'Grace Hopper');
  const guest = await register(office, 'Ada Lovelace');
  for (const event of EVENTS) {
    const id = await createEvent(admin, { description: DESCRIPTION, ...event });
    if (event.totalSeats === 2) soldOutId = id;
    if (event.totalSeats === 120) openId = id;
    await guest.client.book({ eventId: id, seatCount: 2 });
    if (event.totalSeats > 20) await admin.client.book({ eventId: id, seatCount: 10 });
  }
  const notifications = await connectTo(office.system.ownerUrl('notification'));
  await notifications.query(
    'INSERT INTO dead_letters (id, consumer, subject, payload, reason, deliveries) VALUES (?, ?, ?, ?, ?, 5)',
    [
      newId(),
      'notification-bookings',
      'booking.confirmed.v1',
      JSON.stringify({
        id: newId(),
        type: 'booking.confirmed.v1',
        data: { bookingId: newId(), eventId: openId, userId: newId() },
      }),
      'The seat count is missing.',
    ],
  );
  await vi.waitFor(async () => {
    expect(await notifications.query("SELECT 1 FROM notifications WHERE status = 'SENT'")).toHaveLength(11);
  }, SOON);
  await notifications.query("UPDATE notifications SET status = 'FAILED' LIMIT 2");
  await notifications.end();
}, INSTALL_TIMEOUT_MS);
afterAll(() => office?.stop());

/** Each page: its name, its path, a text that shows when it is complete, and whether a visitor sees it signed in. */
const PAGES: [name: string, path: () => string, text: string, isSignedIn: boolean][] = [
  ['events', () => '/', 'City Marathon', false],
  ['search', () => '/?q=nothing', 'No event matches', false],
  ['visitor', () => `/events/${openId}`, 'Sign in to book', false],
  ['sign-in', () => '/sign-in', 'You are new here?', false],
  ['sign-up', () => '/sign-up', 'You have an account?', false],
  ['forgot-password', () => '/forgot-password', 'Send me a link', false],
  ['reset-password', () => '/reset-password#token=unknown', 'Ask for a new mail', false],
  ['verify-email', () => '/verify-email#token=unknown', 'Verify your e-mail address', false],
  ['not-found', () => '/nowhere', 'There is nothing here', false],
  ['event', () => `/events/${openId}`, 'Book 1 seat', true],
  ['sold-out', () => `/events/${soldOutId}`, 'Sold out', true],
  ['bookings', () => '/bookings', 'We sent you the confirmation', true],
  ['webhooks', () => '/organize/webhooks', 'Add endpoint', true],
  ['organize', () => '/organize', 'City Marathon', true],
  ['new-event', () => '/organize/new', 'Create event', true],
  ['edit-event', () => `/organize/${openId}`, 'Ada Lovelace', true],
  ['account', () => '/account', 'Where you are signed in', true],
  ['admin', () => '/admin', 'The seat count is missing.', true],
];

async function violationsIn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

const overflowOf = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** Animations end at once, so that axe does not measure the contrast of a text that is still fading in. */
const openPages = (colorScheme: 'light' | 'dark') =>
  openVisitor(office.browser, { colorScheme, viewport: DESKTOP, reducedMotion: 'reduce' });

async function show({ page }: Visitor, path: string, text: string): Promise<void> {
  await page.goto(`${office.url}${path}`);
  await page.getByText(text).first().waitFor();
  await page.evaluate('document.fonts.ready');
}

describe.each(['light', 'dark'] as const)('In %s colours', (colorScheme) => {
  let guest: Visitor;
  let user: Visitor;
  beforeAll(async () => {
    guest = await openPages(colorScheme);
    user = await openPages(colorScheme);
    await signIn(user.page, office, admin);
  });

  test.each(PAGES)(
    'the page %s is accessible, fits on a phone and causes no error',
    async (name, path, text, isSignedIn) => {
      const visitor = isSignedIn ? user : guest;
      const { page, complaints } = visitor;
      for (const [device, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
        await page.setViewportSize(viewport);
        await show(visitor, path(), text);
        expect(await violationsIn(page)).toEqual([]);
        expect(await overflowOf(page)).toBeLessThanOrEqual(0);
        await takePicture(page, `${name}-${device}-${colorScheme}`);
      }
      expect(complaints.splice(0)).toEqual([]);
    },
  );

  test('the dialog that asks before a cancellation and the failed notifications are accessible', async () => {
    await show(user, '/bookings', 'We sent you the confirmation');
    await user.page.getByRole('button', { name: 'Cancel booking' }).first().click();
    await user.page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).waitFor();
    expect(await violationsIn(user.page)).toEqual([]);
    await show(user, '/admin', 'The seat count is missing.');
    await user.page.getByRole('tab', { name: 'Failed notifications' }).click();
    await user.page.getByRole('button', { name: 'Retry all' }).waitFor();
    expect(await violationsIn(user.page)).toEqual([]);
    expect(user.complaints.splice(0)).toEqual([]);
  });

  test('the background is that of the system, and the visitor can change it', async () => {
    await show(guest, '/', 'City Marathon');
    const brightness = () =>
      guest.page.evaluate<number>('Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])');
    const isLight = async () => (await brightness()) > 128;
    expect(await isLight()).toBe(colorScheme === 'light');
    await guest.page.getByRole('button', { name: /Use (light|dark) colours/ }).click();
    await expect.poll(isLight).toBe(colorScheme !== 'light');
    await guest.page.reload();
    await expect.poll(isLight).toBe(colorScheme !== 'light');
    await guest.page.getByRole('button', { name: /Use (light|dark) colours/ }).click();
    await expect.poll(isLight).toBe(colorScheme === 'light');
  });
});

test('The checks of the pages can fail', async () => {
  const visitor = await openPages('light');
  await show(visitor, '/', 'City Marathon');
  await visitor.page.evaluate(`
    const input = document.createElement('input');
    input.style.width = '3000px';
    document.querySelector('main').append(input);
    const script = document.createElement('script');
    try { script.text = '1' } catch (error) { console.error(error) }
  `);
  expect(await violationsIn(visitor.page)).toEqual([expect.stringMatching(/^label: /)]);
  expect(await overflowOf(visitor.page)).toBeGreaterThan(0);
  await expect.poll(() => visitor.complaints).not.toEqual([]);
});
