import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { type Client, createClient } from '#client/client.ts';
import { silentStep } from '#scripts/local/progress.ts';
import { launchBrowser } from '#tests/support/browser.ts';
import { connectTo } from '#tests/support/invariants.ts';
import { startTestSystem, type TestSystem } from '#tests/support/system.ts';
import { buildBoxOffice } from '../../scripts/box-office.ts';

export const INSTALL_TIMEOUT_MS = 600_000;
export const PASSWORD = 'correct horse battery';
const DAY_MS = 86_400_000;

export interface BoxOffice {
  readonly system: TestSystem;
  readonly browser: Browser;
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Builds the box office and starts a system that serves it, and a browser. The gateway answers only trusted documents, so
 * every operation of the pages must be in the manifest.
 */
export async function openBoxOffice(): Promise<BoxOffice> {
  await buildBoxOffice(silentStep);
  const browser = await launchBrowser();
  const system = await startTestSystem({ env: { BOX_OFFICE: 'on', TRUSTED_DOCUMENTS: 'enforce' } });
  return {
    system,
    browser,
    url: system.urls.gateway,
    async stop() {
      await browser.close();
      await system.stop();
    },
  };
}

export interface Account {
  readonly client: Client;
  readonly name: string;
  readonly email: string;
}

/** Registers a user. */
export async function register({ system }: BoxOffice, name: string): Promise<Account> {
  const client = createClient({ url: system.graphqlUrl });
  const email = `${randomUUID()}@example.com`;
  const result = await client.signUp({ name, email, password: PASSWORD });
  if (result.__typename !== 'Session') throw new Error(result.message);
  return { client, name, email };
}

/** Registers a user and makes them an admin. */
export async function registerAdmin(office: BoxOffice, name: string): Promise<Account> {
  const account = await register(office, name);
  const users = await connectTo(office.system.databaseUrls.user);
  await users.query("UPDATE users SET role = 'ADMIN' WHERE email = ?", [account.email]);
  await users.end();
  return account;
}

type EventInput = Omit<Parameters<Client['addEvent']>[0], 'startsAt'>;

/** Creates an event that starts in some days, at 19:30 UTC. Returns its id. */
export async function createEvent(
  { client }: Account,
  { inDays = 7, ...change }: EventInput & { inDays?: number },
): Promise<string> {
  const midnightMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const startsAt = new Date(midnightMs + (inDays + 19.5 / 24) * DAY_MS).toISOString();
  const result = await client.addEvent({ startsAt, ...change });
  if (result.__typename !== 'CreateEventPayload') throw new Error(result.message);
  return result.event.id;
}

/** Signs in through the page, which then shows `path`. */
export async function signIn(page: Page, { url }: BoxOffice, { email, name }: Account, path = '/'): Promise<void> {
  await page.goto(`${url}/sign-in?next=${encodeURIComponent(path)}`);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(name).first().waitFor({ state: 'attached' });
  await page.waitForURL(`${url}${path}`);
}
