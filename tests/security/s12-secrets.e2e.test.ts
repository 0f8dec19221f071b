import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { connectSql } from '#platform/testing/messaging.ts';
import { productionEnv } from '#platform/testing/production-env.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { createSecrets } from '#scripts/local/secrets.ts';
import { root } from '#scripts/local/settings.ts';
import { SUBGRAPH_LIST, SUBGRAPHS } from '#services';
import { anonymous, book, createEvent, signUp, ticketCodeOf } from '../support/client.ts';
import { connectTo, expectAllNotified } from '../support/invariants.ts';
import { refusal, startMailServer } from '../support/mail-server.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';
import { startTraceReceiver } from '../support/trace-receiver.ts';

const CHECK_IN = 'mutation ($input: CheckInInput!) { checkIn(input: $input) { ... on DomainError { code message } } }';
const SESSION = '... on Session { accessToken refreshToken } ... on DomainError { code message }';

describe('S12: no secret appears', () => {
  let system: TestSystem;
  let mailServer: Awaited<ReturnType<typeof startMailServer>>;
  let traces: Awaited<ReturnType<typeof startTraceReceiver>>;
  const seen: string[] = [];
  const secrets: string[] = [];

  beforeAll(async () => {
    // Like real mail servers, it names the refused recipient.
    mailServer = await startMailServer({
      onRcptTo: ({ address }, _session, done) => done(refusal(550, `<${address}>: no such mailbox`)),
    });
    const mail = {
      SMTP_URL: mailServer.url,
      SMTP_TLS: 'optional',
      MAIL_FROM: 'tickets@shop.example',
      PUBLIC_URL: 'https://shop.example',
    };
    traces = await startTraceReceiver();
    const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: traces.url, OTEL_TRACES_SAMPLER_ARG: '1' };
    system = await startTestSystem({ production: true, env: { ...mail, ...tracing } });
    await exercise();
  });
  afterAll(async () => {
    await system?.stop();
    await mailServer?.stop();
    await traces?.stop();
  });

  const logOf = (file: string) => readFileSync(join(system.dataDir, 'logs', file), 'utf8');
  const logFiles = () => globSync(`${system.natsPrefix.replace('.', '')}-*.log`, { cwd: join(system.dataDir, 'logs') });

  /**
   * Sends every kind of secret, in valid and invalid requests. The mail server refuses mails, and the database is first
   * slow and then down.
   */
  async function exercise(): Promise<void> {
    const client = anonymous(system.graphqlUrl);
    const ask = async (query: string, variables: object) => {
      const { data, errors } = await client.send(query, variables as Record<string, unknown>);
      seen.push(JSON.stringify(errors ?? null));
      return data;
    };
    const input = {
      name: `Name ${randomUUID()}`,
      email: `secret-${randomUUID()}@example.com`,
      password: `pass-${randomUUID()}`,
    };
    const wrong = `wrong-${randomUUID()}`;
    const REGISTER = `mutation ($input: CreateUserInput!) { createUser(input: $input) { ${SESSION} } }`;
    const SIGN_IN = `mutation ($input: SignInInput!) { signIn(input: $input) { ${SESSION} } }`;
    const { createUser } = await ask(REGISTER, { input });
    await ask(REGISTER, { input });
    await ask(REGISTER, { input: { ...input, password: 7_777_777 } });
    await ask(REGISTER, { input: { ...input, email: { is: input.email } } });
    await ask(REGISTER, { input: { ...input, phone: '1' } });
    await ask(REGISTER, { input: [input] });
    const literal = JSON.stringify(input.password);
    await ask(`mutation { signIn(input: [{ email: "a@b.example", password: ${literal} }]) { __typename } }`, {});
    await ask(`mutation { signIn(input: { email: "a@b.example", password: 1 ${literal} }) { __typename } }`, {});
    await ask(SIGN_IN, { input: { email: input.email, password: wrong } });
    const { signIn } = await ask(SIGN_IN, { input: { email: input.email, password: input.password } });
    const REFRESH = `mutation ($token: String!) { refreshSession(refreshToken: $token) { ${SESSION} } }`;
    const { refreshSession } = await ask(REFRESH, { token: signIn.refreshToken });
    await ask(REFRESH, { token: signIn.refreshToken });
    const [token, newPassword] = [`mailed-${randomUUID()}`, `next-${randomUUID()}`];
    await ask('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: input.email });
    await ask(`mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { ${SESSION} } }`, {
      input: { token, newPassword },
    });
    await ask('mutation ($token: String!) { verifyEmail(token: $token) { __typename } }', { token });
    await ask('mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { __typename } }', {
      input: { currentPassword: wrong, newPassword },
    });

    const owner = await connectTo(system.ownerUrl('user'));
    await owner.query('LOCK TABLES users WRITE');
    await Promise.all([
      ask(SIGN_IN, { input: { email: input.email, password: input.password } }),
      ask(REGISTER, { input: { ...input, email: `1${input.email}` } }),
    ]);
    expect(seen.slice(-2).join()).toMatch(/SERVICE_UNAVAILABLE.*SERVICE_UNAVAILABLE/);
    await owner.end();

    const ada = await signUp(system.graphqlUrl);
    const eventId = await createEvent(ada);
    const code = await ticketCodeOf(ada, (await book(ada, eventId)).booking.id);
    for (const input of [{ code }, { code, seats: 0 }, { code: [code] }, { code: `${code}!` }]) {
      const door = { eventId, seats: 1, deviceKey: randomUUID(), ...input };
      await ada.send(CHECK_IN, { input: door }).then(({ errors }) => seen.push(JSON.stringify(errors ?? null)));
    }
    await expectAllNotified(system);
    await vi.waitFor(() => expect(logFiles().map(logOf).join()).toContain('did not accept the mail'), 20_000);
    const users = await connectTo(system.databaseUrls.user);
    const people = await users.query<{ email: string }[]>('SELECT email FROM users');
    await users.end();

    const database = await createProxy(system.databaseUrls.user);
    const replica = await system.startReplica('user', { databaseUrl: database.url });
    database.cut();
    for (const [query, variables] of [
      [SIGN_IN, { input: { email: input.email, password: input.password } }],
      [REGISTER, { input: { ...input, email: `2${input.email}` } }],
    ] as const) {
      const response = await fetch(`${replica}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${createUser.accessToken}`,
          [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs.user,
        },
        body: JSON.stringify({ query, variables }),
      });
      const text = await response.text();
      expect(text).toContain('SERVICE_UNAVAILABLE');
      seen.push(text);
    }
    database.close();
    secrets.push(
      ...[input.name, input.password, wrong, token, newPassword, '7777777'],
      ...people.map(({ email }) => email),
      ...[createUser, signIn, refreshSession].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken]),
      ...Object.values(system.secrets.subgraphs),
      system.secrets.accountMails,
      String(system.secrets.privateKey.d),
      String(system.secrets.tickets.privateKey.d),
      code,
      ...Object.values(system.databaseUrls).map((url) => new URL(url).password),
    );
  }

  const foundIn = (text: string) => secrets.filter((secret) => text.includes(secret));

  it('in the logs of every process', () => {
    expect(logFiles().length).toBeGreaterThanOrEqual(6);
    for (const file of logFiles()) {
      const text = logOf(file);
      expect(text).toContain('"msg"');
      expect({ file, found: foundIn(text) }).toEqual({ file, found: [] });
    }
  });

  it('in errors, even when the invalid input contains the secret', () => {
    expect(seen.length).toBeGreaterThan(12);
    expect(seen.join()).toContain('\\"input.password\\"; String cannot represent a non string value.');
    expect(foundIn(seen.join('\n'))).toEqual([]);
  });

  it('in the error of a statement, which the services log', async () => {
    const { pool } = connectSql(system.databaseUrls.user);
    await expect(pool.query('SELECT ? FROM nowhere', ['a-value'])).rejects.toThrow(/FROM nowhere$/);
    await pool.end();
  });

  it('in the metrics', async () => {
    for (const url of Object.values(system.urls)) {
      const text = await (await fetch(`${url}/metrics`)).text();
      expect(text).toContain('process_cpu');
      expect(foundIn(text)).toEqual([]);
      expect(text).not.toContain('@');
    }
  });

  it('in the traces', async () => {
    const names = () => traces.spans().map(({ name }) => name);
    await vi.waitFor(() => expect(names()).toEqual(expect.arrayContaining(['INSERT', 'send notification'])), 20_000);
    expect(foundIn(traces.text())).toEqual([]);
  });

  it('control: the check finds a secret', () => {
    expect(secrets.length).toBeGreaterThan(14);
    expect(foundIn(`x${secrets[0]}y`)).toEqual([secrets[0]]);
  });
});

describe('S12: production refuses development secrets', () => {
  const start = async (main: string, env: NodeJS.ProcessEnv) =>
    promisify(execFile)(process.execPath, [join(root, main)], {
      env: { PATH: process.env.PATH, ...env },
      timeout: 20_000,
    }).then(
      () => ({ code: 0, stderr: '', stdout: '' }),
      (error: { code: number; stderr: string; stdout: string }) => error,
    );

  it.each([
    ['gateway/main.ts', SUBGRAPHS] as const,
    ...SUBGRAPHS.map((name) => [`subgraphs/${name}/main.ts`, [name, ...(SUBGRAPH_LIST[name].asks ?? [])]] as const),
  ])('%s reports all problems at once, without the values, and exits', async (main, names) => {
    const { subgraphs, publicKeys, privateKey, tickets } = await createSecrets('development-');
    const env: NodeJS.ProcessEnv = {
      NODE_ENV: 'production',
      JWT_PUBLIC_KEYS: JSON.stringify(publicKeys),
      JWT_PRIVATE_KEY: JSON.stringify(privateKey),
      TICKET_PUBLIC_KEYS: JSON.stringify(tickets.publicKeys),
      TICKET_PRIVATE_KEY: JSON.stringify(tickets.privateKey),
      ...Object.fromEntries(names.map((name) => [`${name.toUpperCase()}_SUBGRAPH_SECRET`, subgraphs[name]])),
      CORS_ORIGINS: '*',
      PORT: 'eighty',
    };
    const { code, stderr, stdout } = await start(main, env);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    const expected = [
      'PORT',
      'JWT_PUBLIC_KEYS: holds a development secret',
      ...names.map((name) => `${name.toUpperCase()}_SUBGRAPH_SECRET: holds a development secret`),
    ];
    expected.push(
      ...(main.startsWith('gateway')
        ? ['CORS_ORIGINS', 'REDIS_URL', 'USER_SUBGRAPH_URL']
        : ['MYSQL_HOST', 'MYSQL_PASSWORD', 'NATS_URL']),
    );
    if (main.startsWith('subgraphs/booking'))
      expected.push(...['PUBLIC_KEYS', 'PRIVATE_KEY'].map((name) => `TICKET_${name}: holds a development secret`));
    for (const problem of expected) expect(stderr).toContain(problem);
    expect(stderr).not.toMatch(/eighty|development-[0-9a-f]|"kty"|\bat /);
  });

  it('a service without settings reports what is missing, in development as well', async () => {
    const { code, stderr } = await start('subgraphs/user/main.ts', {});
    expect(code).toBe(1);
    for (const name of ['JWT_PUBLIC_KEYS', 'JWT_PRIVATE_KEY', 'USER_SUBGRAPH_SECRET']) expect(stderr).toContain(name);
    const { stderr: ofProduction } = await start('subgraphs/event/main.ts', {
      ...productionEnv,
      EVENT_SUBGRAPH_SECRET: 'short',
    });
    expect(ofProduction.trim().split('\n')).toHaveLength(2);
    expect(ofProduction).toContain('EVENT_SUBGRAPH_SECRET');
  });
});
