import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '#client/client.ts';
import { AccountDocument } from '#client/generated/graphql.ts';
import { openVisitor } from '#tests/support/browser.ts';
import { startMailServer } from '#tests/support/mail-server.ts';
import {
  type BoxOffice,
  createEvent,
  INSTALL_TIMEOUT_MS,
  openBoxOffice,
  PASSWORD,
  register,
  signIn,
} from './box-office.ts';

const NEW_PASSWORD = 'another horse, another battery';
const SOON = { timeout: 30_000, interval: 50 };

let office: BoxOffice;
let server: Awaited<ReturnType<typeof startMailServer>>;
beforeAll(async () => {
  server = await startMailServer();
  office = await openBoxOffice({ SMTP_URL: server.url, PUBLIC_URL: 'https://shop.example' });
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await office?.stop();
  await server?.stop();
});

/** Waits for a mail with a link to an address. Returns the address of its page at this gateway. */
async function linkFor(email: string, subject: string): Promise<string> {
  const find = () => server.mails.find((mail) => mail.subject === subject && mail.to?.[0]?.address === email);
  await expect.poll(find, SOON).toBeDefined();
  return `${office.url}${/https:\/\/shop\.example(\/\S+)/.exec(find()?.text ?? '')?.[1] ?? ''}`;
}

test('A user who forgot the password sets a new one with the link of a mail', async () => {
  const { email, name } = await register(office, 'Ada Lovelace');
  const { page, complaints } = await openVisitor(office.browser);
  await page.goto(`${office.url}/sign-in`);
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('E-mail address').fill(email);
  await page.getByRole('button', { name: 'Send me a link' }).click();
  await page.getByText('you will get a mail').waitFor();
  const link = await linkFor(email, 'Set a new password');
  await page.goto(link);
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name }).waitFor();
  expect(page.url()).toBe(`${office.url}/account`);
  expect(await createClient({ url: office.system.graphqlUrl }).signIn({ email, password: NEW_PASSWORD })).toMatchObject(
    {
      __typename: 'Session',
    },
  );
  await page.goto(link);
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByText('This link does not work any more.').waitFor();
  await page.goto(`${office.url}/reset-password`);
  await page.getByText('This link is not complete').waitFor();
  expect(complaints).toEqual([]);
});

test('A user verifies the e-mail, changes the password, ends another session and saves the data', async () => {
  const user = await register(office, 'Bob Booker');
  await user.client.book({ eventId: await createEvent(user, { name: 'Reading Group', totalSeats: 10 }), seatCount: 1 });
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, user, '/account');
  await page.getByText('Not verified').waitFor();
  await page.getByRole('button', { name: 'Verify this address' }).click();
  await page.getByText('We sent you a mail').waitFor();
  await page.goto(await linkFor(user.email, 'Verify your e-mail address'));
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('Your e-mail address is verified.').waitFor();
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByText('Verified', { exact: true }).waitFor();

  await page.getByText('This session').waitFor();
  await page.getByRole('button', { name: 'End', exact: true }).click();
  await page.getByRole('button', { name: 'End', exact: true }).waitFor({ state: 'detached' });
  expect((await user.client.request(AccountDocument)).me?.sessions).toHaveLength(1);

  await page.getByLabel('Current password').fill('a wrong password');
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('the password is wrong').waitFor();
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Your password is changed.').waitFor();

  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const exported = JSON.parse(await readFile(await (await saved).path(), 'utf8'));
  expect(exported).toMatchObject({
    account: { email: user.email, emailVerified: true },
    bookings: [{ seatCount: 1 }],
    events: [{ name: 'Reading Group' }],
  });
  expect(complaints).toEqual([]);
});

test('A user signs out everywhere, and deletes the account', async () => {
  const user = await register(office, 'Eve Ender');
  const { page, complaints } = await openVisitor(office.browser);
  await signIn(page, office, user, '/account');
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.waitForURL(/\/sign-in\?/);
  expect((await user.client.request(AccountDocument)).me?.sessions).toEqual([]);

  await signIn(page, office, user, '/account');
  await page.getByLabel('Password', { exact: true }).fill('a wrong password');
  await page.getByRole('button', { name: 'Delete account' }).click();
  await page.getByText('the password is wrong').waitFor();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Delete account' }).click();
  await page.waitForURL(/\/sign-in\?/);
  await page.getByLabel('E-mail address').fill(user.email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The e-mail address or the password is wrong.').waitFor();
  expect(complaints).toEqual([]);
});
