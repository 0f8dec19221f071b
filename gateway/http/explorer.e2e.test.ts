import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '#tests/support/browser.ts';
import { createEvent, signUp } from '#tests/support/client.ts';
import { startTestSystem, type TestSystem } from '#tests/support/system.ts';
import { DEMO_USER } from '../../scripts/seed/catalogue.ts';
import { seedDemoUser } from '../../scripts/seed/demo-user.ts';
import { readTour } from '../../scripts/tour.ts';

const INSTALL_TIMEOUT_MS = 600_000;

let system: TestSystem;
let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
  system = await startTestSystem();
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

/** Opens the explorer and collects what it asks of other hosts, and what goes wrong. */
async function openExplorer() {
  const page = await browser.newPage();
  const problems: string[] = [];
  const { origin } = new URL(system.urls.gateway);
  page.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (/^(http|ws)/.test(protocol) && asked !== origin) problems.push(request.url());
  });
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', ({ message }) => problems.push(message));
  await page.goto(`${system.urls.gateway}/graphiql`);
  const run = async (tab: string) => {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByRole('button', { name: 'Execute query' }).click();
  };
  const seeAnswer = (text: string) => page.locator('.graphiql-response').getByText(text).waitFor();
  return { page, problems, run, seeAnswer };
}

test('The explorer opens with the tour in tabs and runs its operations, without internet access', async () => {
  const { page, problems, run, seeAnswer } = await openExplorer();
  await page.getByRole('tab').first().waitFor();
  const tabs = readTour().map(({ name }) => name);
  expect(await page.locator('.graphiql-tab-button').allInnerTexts()).toEqual(tabs);
  expect(tabs).toHaveLength(7);

  await run('SignUp');
  await seeAnswer('"Ada Lovelace"');

  await page.getByRole('button', { name: 'Show History' }).click();
  await page.locator('.graphiql-history-item').getByText('SignUp').first().waitFor();
  await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
  await page.locator('.graphiql-explorer-root').getByText('createUser').waitFor();
  expect(problems).toEqual([]);
});

test('The button signs the demo user in for all tabs, and out again', async () => {
  const { page, problems, run, seeAnswer } = await openExplorer();
  const signIn = page.getByRole('button', { name: 'Sign in as the demo user' });
  await signIn.click();
  await page.locator('.sign-in').getByRole('alert').waitFor();
  await run('MyBookings');
  await seeAnswer('"UNAUTHENTICATED"');

  await seedDemoUser(system.graphqlUrl);
  await signIn.click();
  await page.getByText(DEMO_USER.email).waitFor();
  await run('MyBookings');
  await seeAnswer('"hasNextPage"');
  await run('CreateEvent');
  await seeAnswer('"Chamber Music"');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await run('MyBookings');
  await seeAnswer('"UNAUTHENTICATED"');
  expect(problems).toEqual([]);
});

test('The explorer shows the answers of a subscription', async () => {
  const { page, problems, seeAnswer } = await openExplorer();
  const eventId = await createEvent(await signUp(system.graphqlUrl));
  const query = `subscription { eventSeats(eventId: "${eventId}") { name availableSeats } }`;
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.locator('.graphiql-tab-active', { hasText: '<untitled>' }).waitFor();
  await page.locator('.graphiql-query-editor').click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(query);
  await page.locator('.graphiql-query-editor').getByText('eventSeats').waitFor();
  await page.getByRole('button', { name: 'Execute query' }).click();
  await seeAnswer('"availableSeats"');
  expect(problems).toEqual([]);
});

/**
 * A replacement for Apollo's script that does what the content security policy must allow: a frame and a GraphQL
 * request.
 */
const SANDBOX = `window.EmbeddedSandbox = class {
  constructor({ initialEndpoint }) {
    const frame = document.createElement('iframe');
    frame.src = 'https://sandbox.embed.apollographql.com/';
    document.getElementById('embeddableSandbox').append(frame);
    fetch(initialEndpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __schema { queryType { name } } }"}',
    })
      .then((answer) => answer.text())
      .then((text) => document.getElementById('embeddableSandbox').append(text));
  }
};`;

test('The landing page may run its script, frame and request; an answer of the API may run no script', async () => {
  const page = await browser.newPage();
  const forbidden: string[] = [];
  page.on('console', (message) => /Content Security Policy/i.test(message.text()) && forbidden.push(message.text()));
  await page.route(/^https:/, (route) =>
    new URL(route.request().url()).pathname.endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: SANDBOX })
      : route.fulfill({ contentType: 'text/html', body: '<p>Sandbox</p>' }),
  );

  await page.goto(system.graphqlUrl);
  await page.getByText('{"data":{"__schema":{"queryType":{"name":"Query"}}}}').waitFor();
  await page.frameLocator('#embeddableSandbox iframe').getByText('Sandbox').waitFor();
  expect(forbidden).toEqual([]);

  await page.goto(`${system.urls.gateway}/health`);
  await page.evaluate(`
    const script = document.createElement('script');
    script.text = 'document.title = "run"';
    document.documentElement.append(script);
  `);
  await expect.poll(() => forbidden).not.toEqual([]);
  expect(await page.title()).not.toBe('run');
});
