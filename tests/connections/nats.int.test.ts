import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectNats, type NatsConnection } from 'nats';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type BrokerSettings, createBroker } from '#platform/messaging/broker.ts';
import { createConsumer } from '#platform/messaging/consumer.ts';
import { onMessage } from '#platform/messaging/message-handlers.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import { connectSql } from '#platform/testing/messaging.ts';
import { root } from '#scripts/local/settings.ts';
import { TYPES } from '../../gateway/live/changes.ts';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { createLogLines } from '../support/log-lines.ts';
import { createNatsAccounts } from '../support/nats-accounts.ts';
import { startNats } from '../support/own-server.ts';

const PASSWORD = 'p@ss:1/word';
const WRONG = 'a-wrong-word';
const RECOVERY = { timeout: 10_000 };

const users = (password: string) => ({ authorization: { users: [{ user: 'shop', password }] } });
const account = (password: string) => `shop:${encodeURIComponent(password)}`;

const THINGS = { name: 'THINGS', subjects: ['things.>'], consumers: ['test'], bytesMax: 2 ** 20 };

describe('NATS with accounts and TLS', () => {
  let folder: string;
  let authority: Authority;
  let tls: object;
  const stops: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ebs-nats-'));
    authority = await createAuthority(folder, 'authority');
    const { certFile, keyFile } = await authority.issue('127.0.0.1');
    tls = { tls: { cert_file: certFile, key_file: keyFile } };
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function serve(settings: object) {
    const server = await startNats(settings);
    stops.push(server.stop);
    return server;
  }

  function connect(settings: Partial<BrokerSettings>) {
    const log = createLogLines();
    const broker = createBroker({
      settings: { NATS_URL: '', NATS_REPLICAS: 1, NATS_SUBJECT_PREFIX: '', ...settings },
      name: 'test',
      logger: log.logger,
    });
    stops.push(broker.close);
    return { broker, warnings: () => log.lines.filter(({ level }) => level === 'warn'), text: log.text };
  }

  type Connected = ReturnType<typeof connect>;
  async function expectToWork({ broker }: Pick<Connected, 'broker'>): Promise<void> {
    await expect.poll(broker.isConnected, RECOVERY).toBe(true);
    await broker.ensureStream(THINGS);
    const { client } = await broker.jetStream();
    expect(await client.publish('things.happen')).toMatchObject({ stream: 'THINGS' });
  }

  /** The number of log-ins that the server has refused. */
  const refusalsIn = ({ log }: { log(): string }) =>
    log().match(/authentication error|Authorization Violation/gi)?.length ?? 0;

  it('connects with the user and the password of the URL', async () => {
    const { port } = await serve(users(PASSWORD));
    await expectToWork(connect({ NATS_URL: `nats://${account(PASSWORD)}@127.0.0.1:${port}` }));
  });

  it('connects with the token of the URL', async () => {
    const { port } = await serve({ authorization: { token: PASSWORD } });
    await expectToWork(connect({ NATS_URL: `nats://${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}` }));
  });

  it('connects to the first reachable server, with the account of the first URL', async () => {
    const { port } = await serve(users(PASSWORD));
    await expectToWork(connect({ NATS_URL: `nats://${account(PASSWORD)}@127.0.0.1:1, nats://127.0.0.1:${port}` }));
  });

  it('connects with a credentials file, and reads it again after each refusal', async () => {
    const accounts = createNatsAccounts(folder);
    const server = await serve(accounts.settings);
    const seed = accounts.writeUser({ known: false });
    const connection = connect({ NATS_URL: `nats://127.0.0.1:${server.port}`, NATS_CREDS: accounts.file });
    await expect.poll(() => refusalsIn(server), RECOVERY).toBeGreaterThanOrEqual(3);
    // An empty file, as in the middle of a replacement, does not end the attempts.
    writeFileSync(accounts.file, '');
    const refusals = refusalsIn(server);
    await expect.poll(() => refusalsIn(server), RECOVERY).toBeGreaterThan(refusals + 1);
    expect(connection.broker.isConnected()).toBe(false);
    expect(connection.warnings()).toMatchObject([{ reason: 'AUTHORIZATION_VIOLATION' }]);
    expect(connection.text()).not.toContain(seed);

    accounts.writeUser();
    await expectToWork(connection);
  });

  it('connects over TLS when the certificate is valid', async () => {
    const { port } = await serve({ ...tls, ...users(PASSWORD) });
    const NATS_TLS_CA = authority.file;
    await expectToWork(connect({ NATS_URL: `tls://${account(PASSWORD)}@127.0.0.1:${port}`, NATS_TLS_CA }));
    await expectToWork(connect({ NATS_URL: `nats://${account(PASSWORD)}@127.0.0.1:${port}`, NATS_TLS_CA }));
  });

  it('refuses an untrusted certificate, logs that once, and connects when the CA file is corrected', async () => {
    const server = await serve({ ...tls, ...users(PASSWORD) });
    const file = join(folder, 'replaced.pem');
    writeFileSync(file, readFileSync((await createAuthority(folder, 'other')).file));
    const connection = connect({ NATS_URL: `tls://${account(PASSWORD)}@127.0.0.1:${server.port}`, NATS_TLS_CA: file });
    await expect.poll(() => server.log().match(/TLS handshake error/g)?.length, RECOVERY).toBeGreaterThanOrEqual(3);
    expect(connection.broker.isConnected()).toBe(false);
    expect(connection.warnings()).toMatchObject([{ reason: expect.stringMatching(/CERT|VERIFY|SIGNATURE/) }]);

    writeFileSync(file, readFileSync(authority.file));
    await expectToWork(connection);
  });

  it('refuses a server without TLS when the URL requires TLS, before it sends the password', async () => {
    const server = await serve({ ...users(PASSWORD), trace: true });
    const { broker, warnings } = connect({ NATS_URL: `tls://${account(PASSWORD)}@127.0.0.1:${server.port}` });
    await expect.poll(warnings, RECOVERY).toMatchObject([{ reason: 'SERVER_OPT_NA' }]);
    expect(broker.isConnected()).toBe(false);
    expect(server.log()).not.toContain('[CONNECT');
    // Control: the log shows a CONNECT that was sent.
    await expectToWork(connect({ NATS_URL: `nats://${account(PASSWORD)}@127.0.0.1:${server.port}` }));
    expect(server.log()).toContain('[CONNECT');
  });

  it('connects when a refused password becomes valid; logs the refusal once, without the password', async () => {
    const server = await serve(users(PASSWORD));
    const connection = connect({ NATS_URL: `nats://${account(WRONG)}@127.0.0.1:${server.port}` });
    await expect.poll(() => refusalsIn(server), RECOVERY).toBeGreaterThanOrEqual(4);
    expect(connection.warnings()).toMatchObject([{ reason: 'AUTHORIZATION_VIOLATION' }]);
    expect(connection.text()).not.toContain(WRONG);

    server.change(users(WRONG));
    await expectToWork(connection);
  });

  it('recovers after a password change, and so does the consumer, which is unhealthy meanwhile', async () => {
    const server = await serve(users(PASSWORD));
    const test = await createTestDatabase('notification');
    const database = connectSql(test.url);
    stops.push(async () => {
      await database.pool.end();
      await test.drop();
    });
    const url = `nats://${account(PASSWORD)}@127.0.0.1:${server.port}`;
    const connection = connect({ NATS_URL: url });
    const received: string[] = [];
    const consumer = createConsumer({
      name: 'test',
      stream: THINGS,
      handlers: {
        'things.happen': onMessage(z.unknown(), async (_transaction, messages) => {
          received.push(...messages.map(({ id }) => id));
        }),
      },
      parse: ({ data }) => JSON.parse(new TextDecoder().decode(data)),
      database,
      broker: connection.broker,
      logger: createLogLines().logger,
      metrics: new Registry(),
    });
    stops.push(consumer.stop);
    await expect.poll(consumer.isHealthy, RECOVERY).toBe(true);

    server.change(users('changed'));
    await expect.poll(() => refusalsIn(server), RECOVERY).toBeGreaterThanOrEqual(5);
    expect(connection.broker.isConnected()).toBe(false);
    expect(consumer.isHealthy()).toBe(false);
    const reasons = connection.warnings().map(({ reason, msg }) => reason ?? msg);
    expect(reasons.toSorted()).toEqual(['AUTHORIZATION_VIOLATION', 'broker disconnected']);

    server.change(users(PASSWORD));
    await expect.poll(consumer.isHealthy, RECOVERY).toBe(true);
    const { client } = await connection.broker.jetStream();
    await client.publish('things.happen', JSON.stringify({ id: 'one', type: 'things.happen', data: {} }));
    await expect.poll(() => received, RECOVERY).toEqual(['one']);
  });

  it('connects again after the client library has closed the connection', async () => {
    const { port } = await serve(users(PASSWORD));
    const connection = connect({ NATS_URL: `nats://${account(PASSWORD)}@127.0.0.1:${port}` });
    await expectToWork(connection);
    const { client } = await connection.broker.jetStream();
    await (client as unknown as { nc: NatsConnection }).nc.close();
    await expect.poll(async () => (await connection.broker.jetStream()).client !== client, RECOVERY).toBe(true);
    await expectToWork(connection);
  });

  it('receives messages while they are published, also on the connections after the first one', async () => {
    const { port } = await serve(users(PASSWORD));
    const url = `nats://${account(PASSWORD)}@127.0.0.1:${port}`;
    const { broker } = connect({ NATS_URL: url, NATS_SUBJECT_PREFIX: 'shop.' });
    const received: string[] = [];
    let changes = 0;
    const stop = broker.tap({
      types: ['things.>'],
      onMessage: (type, body) => received.push(`${type} ${new TextDecoder().decode(body)}`),
      onChange: () => {
        changes += 1;
      },
    });
    const publisher = await connectNats({ servers: `127.0.0.1:${port}`, user: 'shop', pass: PASSWORD });
    stops.push(() => publisher.close());
    await expect.poll(() => changes, RECOVERY).toBeGreaterThan(0);
    publisher.publish('shop.things.happen', 'one');
    await expect.poll(() => received, RECOVERY).toEqual(['things.happen one']);

    const { client } = await broker.jetStream();
    const before = changes;
    await (client as unknown as { nc: NatsConnection }).nc.close();
    // The connection is lost, and its successor receives.
    await expect.poll(() => changes, RECOVERY).toBeGreaterThan(before + 1);
    publisher.publish('shop.things.happen', 'two');
    await expect.poll(() => received, RECOVERY).toEqual(['things.happen one', 'things.happen two']);

    stop();
    publisher.publish('shop.things.happen', 'three');
    broker.tap({ types: ['others'], onMessage: (type) => received.push(type), onChange: () => undefined });
    await expect.poll(() => publisher.publish('shop.others') ?? received.at(-1), RECOVERY).toBe('others');
    expect(received).not.toContain('things.happen three');
  });

  it('the account of the gateway receives the messages of live data, and may do nothing else', async () => {
    const permissions = { publish: { deny: '>' }, subscribe: TYPES };
    const gateway = { user: 'gateway', password: PASSWORD, permissions };
    const { port } = await serve({ authorization: { users: [{ user: 'shop', password: PASSWORD }, gateway] } });
    const { broker, warnings } = connect({
      NATS_URL: `nats://gateway:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    });
    const received: string[] = [];
    const onMessage = (type: string) => received.push(type);
    const active = Promise.withResolvers<void>();
    broker.tap({ types: TYPES, onMessage, onChange: active.resolve });
    await active.promise;
    const publisher = await connectNats({ servers: `127.0.0.1:${port}`, user: 'shop', pass: PASSWORD });
    stops.push(() => publisher.close());
    for (const type of TYPES) publisher.publish(type);
    await expect.poll(() => received, RECOVERY).toEqual(TYPES);

    broker.tap({ types: ['user.>'], onMessage, onChange: () => undefined });
    await expect.poll(warnings, RECOVERY).toMatchObject([{ reason: expect.stringMatching(/PERMISSIONS_VIOLATION/i) }]);
    publisher.publish('user.registered.v1');
    await expect(broker.ensureStream(THINGS)).rejects.toThrow();
    expect(received).toEqual(TYPES);
    const overlay = readFileSync(join(root, 'k8s/overlays/minikube/nats.conf'), 'utf8').replaceAll(/\s+/g, ' ');
    expect(overlay).toContain(`publish: { deny: ">" } subscribe: [ ${TYPES.join(', ')} ]`);
  });

  it('keeps trying while the host name is unknown, and logs that once', async () => {
    const { broker, warnings } = connect({ NATS_URL: 'nats://no-such-host.invalid' });
    await expect.poll(warnings, RECOVERY).toMatchObject([{ reason: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) }]);
    expect(broker.isConnected()).toBe(false);
  });
});
