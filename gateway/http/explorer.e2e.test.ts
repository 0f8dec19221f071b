import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { findProgram } from '#scripts/local/programs.ts';
import { silentStep } from '#scripts/local/progress.ts';
import { requirePrograms } from '#scripts/local/servers/install.ts';
import { startTestSystem, type TestSystem } from '#tests/support/system.ts';

const INSTALL_TIMEOUT_MS = 600_000;
/** The browser cannot resolve any host name, as on a machine without internet access. */
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

let system: TestSystem;
let browser: Browser;
beforeAll(async () => {
  const given = process.env.CHROMIUM_PATH;
  if (!given) await requirePrograms(['chromium'], inject('servers').dataDir, silentStep);
  browser = await chromium.launch({ executablePath: given || (findProgram('chromium') ?? ''), args: ARGUMENTS });
  system = await startTestSystem();
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

async function ask<Data>(query: string, variables: object, headers: Record<string, string> = {}): Promise<Data> {
  const response = await fetch(system.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

async function createEvent(name: string): Promise<void> {
  const user = { name: 'Ada', email: 'ada@example.com', password: 'a long enough password' };
  const { createUser } = await ask<{ createUser: { accessToken: string } }>(
    'mutation($input: CreateUserInput!) { createUser(input: $input) { ... on Session { accessToken } } }',
    { input: user },
  );
  const input = { name, startsAt: new Date(Date.now() + 3_600_000).toISOString(), totalSeats: 7 };
  await ask(
    'mutation($input: CreateEventInput!) { createEvent(input: $input) { __typename } }',
    { input },
    { authorization: `Bearer ${createUser.accessToken}` },
  );
}

test('The explorer loads, runs its query and shows data without internet access', async () => {
  await createEvent('Opera by Candlelight');
  const page = await browser.newPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', ({ message }) => complaints.push(message));

  await page.goto(`${system.urls.gateway}/graphiql`);
  await page.getByRole('button', { name: 'Execute query' }).click();
  await page.locator('.graphiql-response').getByText('Opera by Candlelight').waitFor();
  expect(await page.locator('.graphiql-editor-tools').textContent()).toContain('Headers');

  const { origin } = new URL(system.urls.gateway);
  expect(requested.filter((url) => new URL(url).origin !== origin)).toEqual([]);
  expect(complaints).toEqual([]);
});

test('The explorer shows the answers of a subscription', async () => {
  const page = await browser.newPage();
  const { events } = await ask<{ events: { nodes: { id: string }[] } }>('{ events { nodes { id } } }', {});
  const query = `subscription { eventSeats(eventId: "${events.nodes[0]?.id}") { name availableSeats } }`;
  await page.goto(`${system.urls.gateway}/graphiql?${new URLSearchParams({ query })}`);
  await page.getByRole('button', { name: 'Execute query' }).click();
  await page.locator('.graphiql-response').getByText('availableSeats').waitFor();
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
