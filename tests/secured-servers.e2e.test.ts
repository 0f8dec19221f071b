import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import { SUBGRAPHS } from '#services';
import { createAuthority } from './support/certificates.ts';
import { book, createEvent, signUp } from './support/client.ts';
import { connectTo, expectAllNotified } from './support/invariants.ts';
import { startDatabase, startNats, startRedis } from './support/own-server.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const PASSWORDS = { nats: 'nats-p@ss:1/word', changed: 'nats-changed', redis: 'redis-p@ss:2/word' };
const SOON = { timeout: 30_000, interval: 100 };

describe('the system in production mode, with TLS and accounts on every server', () => {
  let folder: string;
  let caFile: string;
  let system: TestSystem;
  let nats: Awaited<ReturnType<typeof startNats>>;
  let natsSettings: (password: string) => object;
  const stops: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ebs-secured-'));
    const authority = await createAuthority(folder, 'authority');
    caFile = authority.file;
    const certificate = await authority.issue('127.0.0.1');
    natsSettings = (password) => ({
      tls: { cert_file: certificate.certFile, key_file: certificate.keyFile },
      authorization: { users: [{ user: 'services', password }] },
    });
    const database = await startDatabase(certificate, ['--require-secure-transport=ON']);
    stops.push(database.stop);
    nats = await startNats(natsSettings(PASSWORDS.nats));
    stops.push(nats.stop);
    const redis = await startRedis(['--requirepass', PASSWORDS.redis], certificate);
    stops.push(redis.stop);
    system = await startTestSystem({
      production: true,
      adminUrl: `${database.adminUrl}?ssl-mode=verify-identity&ssl-ca=${caFile}`,
      redisUrl: `rediss://:${encodeURIComponent(PASSWORDS.redis)}@127.0.0.1:${redis.tlsPort}`,
      natsUrl: `tls://services:${encodeURIComponent(PASSWORDS.nats)}@127.0.0.1:${nats.port}`,
      env: { NATS_TLS_CA: caFile, REDIS_TLS_CA: caFile },
    });
    stops.push(system.stop);
  }, 180_000);
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
    rmSync(folder, { recursive: true });
  });

  const readinessOf = async (name: 'gateway' | (typeof SUBGRAPHS)[number]) =>
    (await fetch(`${system.urls[name]}/ready`)).json() as Promise<{ checks: Record<string, object> }>;

  it('books and notifies, and every service becomes ready', async () => {
    const ada = await signUp(system.graphqlUrl);
    const eventId = await createEvent(ada);
    expect(await book(ada, eventId)).toMatchObject({ booking: { status: 'CONFIRMED' } });
    await expectAllNotified(system);
    const cached = async () =>
      (await ada.send('query ($id: ID!) { event(id: $id) { cached } }', { id: eventId })).data.event.cached;
    await vi.waitFor(async () => expect(await cached()).toBe(true), SOON);
    for (const name of ['gateway', ...SUBGRAPHS] as const) {
      await vi.waitFor(async () => expect(await readinessOf(name)).toMatchObject({ status: 'ready' }), SOON);
    }
  });

  it('control: the database refuses connections without TLS', async () => {
    const plain = system.databaseUrls.user.split('?')[0] ?? '';
    await expect(connectTo(plain)).rejects.toThrow();
  });

  const command = (args: readonly string[], env: NodeJS.ProcessEnv) =>
    promisify(execFile)(process.execPath, args, {
      cwd: root,
      env: { PATH: process.env.PATH, ...env },
      timeout: 60_000,
    });
  const urlsOf = (urlOf: (name: (typeof SUBGRAPHS)[number]) => string) =>
    Object.fromEntries(SUBGRAPHS.map((name) => [`DATABASE_URL_${name.toUpperCase()}`, urlOf(name)]));

  it('the migrate, outbox and admin commands connect over TLS, as the variables configure', async () => {
    const withoutParameters = (url: string) => url.split('?')[0] ?? '';
    const env = { MYSQL_SSL_MODE: 'verify-identity', MYSQL_SSL_CA: caFile };
    const owners = urlsOf((name) => withoutParameters(system.ownerUrl(name)));
    const services = urlsOf((name) => withoutParameters(system.databaseUrls[name]));
    const migrated = await command(['scripts/migrate.ts'], { ...env, ...owners });
    expect(migrated.stdout.match(/up to date/g)).toHaveLength(4);
    const replayed = await command(['scripts/outbox.ts', 'replay', '--since', new Date(0).toISOString(), 'booking'], {
      ...env,
      ...services,
    });
    expect(replayed.stdout).toContain('booking: messages to publish again: 1');
    const users = await connectTo(system.databaseUrls.user);
    const [user] = await users.query<{ email: string }[]>('SELECT email FROM users');
    await users.end();
    const granted = await command(['scripts/admin.ts', 'grant', user?.email ?? ''], { ...env, ...services });
    expect(granted.stdout).toContain('will have the role ADMIN');

    // Control: without the variables the connection is unencrypted, and the server refuses it.
    await expect(command(['scripts/migrate.ts'], owners)).rejects.toThrow(/insecure transport|Access denied/);
  });

  it('accepts bookings while the broker refuses the password, reports it as down, and recovers afterwards', async () => {
    const ada = await signUp(system.graphqlUrl);
    const eventId = await createEvent(ada);
    const refusals = () => nats.log().match(/authentication error|Authorization Violation/gi)?.length ?? 0;
    nats.change(natsSettings(PASSWORDS.changed));
    // Each of the four processes is refused several times.
    await vi.waitFor(() => expect(refusals()).toBeGreaterThan(20), SOON);
    expect(await readinessOf('notification')).toMatchObject({
      status: 'degraded',
      checks: { database: { status: 'up' }, broker: { status: 'down' } },
    });
    const { checks } = await readinessOf('notification');
    const consumers = Object.entries(checks).filter(([name]) => !/^(database|dead letters)$|bounds$/.test(name));
    expect(consumers.length).toBeGreaterThan(3);
    for (const [name, check] of consumers) expect({ name, check }).toMatchObject({ check: { status: 'down' } });
    expect(await book(ada, eventId)).toMatchObject({ booking: { status: 'CONFIRMED' } });

    nats.change(natsSettings(PASSWORDS.nats));
    await expectAllNotified(system);
    for (const name of SUBGRAPHS) {
      await vi.waitFor(async () => expect(await readinessOf(name)).toMatchObject({ status: 'ready' }), SOON);
    }
  });

  it('S12: no log contains a password, and each process logs the refusal once', () => {
    const prefix = system.natsPrefix.replace('.', '');
    const logs = globSync(`${prefix}-*.log`, { cwd: join(system.dataDir, 'logs') });
    expect(logs).toHaveLength(5);
    const secrets = [
      ...Object.values(PASSWORDS).flatMap((password) => [password, encodeURIComponent(password)]),
      ...Object.values(system.databaseUrls).map((url) => new URL(url).password),
    ];
    for (const file of logs) {
      const text = readFileSync(join(system.dataDir, 'logs', file), 'utf8');
      expect({ file, found: secrets.filter((secret) => text.includes(secret)) }).toEqual({ file, found: [] });
      if (!file.includes('gateway')) expect(text.match(/AUTHORIZATION_VIOLATION/g)).toHaveLength(1);
    }
  });
});
