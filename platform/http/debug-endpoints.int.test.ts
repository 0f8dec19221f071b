import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'mariadb';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type OwnServer, startNats, startRedis } from '#tests/support/own-server.ts';
import { createDatabasePool } from '../database/database.ts';
import { databaseDebug } from '../database/debug.ts';
import { createBroker } from '../messaging/broker.ts';
import { brokerDebug } from '../messaging/debug.ts';
import { createStreamKeeper } from '../messaging/stream-keeper.ts';
import { createBounds } from '../process/bounds.ts';
import { databaseSettings, parseConfig } from '../process/config.ts';
import { redisDebug } from '../redis/debug.ts';
import { createRedis } from '../redis/redis.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { quiet } from '../testing/messaging.ts';
import { createProxy, type TestProxy } from '../testing/proxy.ts';
import { serveDebugEndpoints } from './debug-endpoints.ts';
import { createHttpServer } from './http-server.ts';

const SOON = { timeout: 10_000 };
const PASSWORD = 'pass-of-the-test';
/** A value in a statement. */
const USER_DATA = 'ada-lovelace@example.com';
const THINGS = { name: 'THINGS', subjects: ['thing.>'], consumers: ['absent', 'test'], bytesMax: 2 ** 20 };

describe('/debug on real servers', () => {
  let folder: string;
  let testDatabase: TestDatabase;
  let servers: OwnServer[];
  let proxies: Record<'db' | 'redis' | 'nats', TestProxy>;
  let http: FastifyInstance;
  let pool: Pool;
  const stops: (() => unknown)[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ebs-debug-'));
    writeFileSync(join(folder, 'accounts.acl'), `user default on >${PASSWORD} ~* &* +@all\n`);
    testDatabase = await createTestDatabase('booking');
    const nats = await startNats({ authorization: { users: [{ user: 'shop', password: PASSWORD }] } });
    const redis = await startRedis(['--aclfile', join(folder, 'accounts.acl')]);
    servers = [nats, redis];
    proxies = {
      db: await createProxy(testDatabase.serviceUrl),
      redis: await createProxy(`redis://:${PASSWORD}@127.0.0.1:${redis.port}`),
      nats: await createProxy(`nats://shop:${PASSWORD}@127.0.0.1:${nats.port}`),
    };
    http = await serve(proxies.db.url);
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
    for (const proxy of Object.values(proxies ?? {})) proxy.close();
    for (const server of servers ?? []) await server.stop();
    await testDatabase?.drop();
    rmSync(folder, { recursive: true });
  });

  async function serve(databaseUrl: string): Promise<FastifyInstance> {
    const observers = quiet();
    const settings = parseConfig(databaseSettings('test'), { DATABASE_URL: databaseUrl });
    const created = createDatabasePool(settings);
    pool = created;
    stops.push(() => created.end());
    const redis = createRedis({ url: proxies.redis.url, name: 'test', ...observers });
    stops.push(() => redis.disconnect());
    const broker = createBroker({
      settings: { NATS_URL: proxies.nats.url, NATS_REPLICAS: 1, NATS_SUBJECT_PREFIX: '' },
      name: 'test',
      ...observers,
    });
    stops.push(() => broker.close());
    const bounds = createBounds(observers);
    const keeper = createStreamKeeper({ broker, stream: THINGS, bounds, ...observers, keepEveryMs: 20 });
    stops.push(() => keeper.stop());
    await vi.waitFor(() => expect(redis.status).toBe('ready'), SOON);
    const { manager } = await broker.jetStream();
    await vi.waitFor(() => manager.streams.info('THINGS'), SOON);
    await manager.consumers.add('THINGS', { durable_name: 'test', ack_policy: 'explicit' as never });
    const server = createHttpServer({
      ...observers,
      lifecycle: { stopping: false, onStop: () => undefined },
      required: {},
      bodyLimitBytes: 1_024,
    });
    serveDebugEndpoints(server, {
      authenticate: async () => ({ userId: 'ada', role: 'ADMIN' }),
      sources: { db: databaseDebug(created, settings), redis: redisDebug(redis), nats: brokerDebug(broker) },
    });
    return server;
  }

  async function get(part: string, from = http) {
    const response = await from.inject({ url: `/debug/${part}` });
    return { status: response.statusCode, body: response.json(), text: response.body };
  }

  it('shows the pool and the database, and names the parts that the account of a service may not read', async () => {
    await pool.query('SELECT ?', [USER_DATA]);
    const { status, body, text } = await get('db');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        pool: { active: 0, total: expect.any(Number), waiting: 0, limit: 10 },
        server: {
          version: expect.stringMatching(/^\d+\.\d+\.\d+/),
          max_connections: expect.any(Number),
          read_only: 'OFF',
          uptime: expect.any(Number),
          threads_running: expect.any(Number),
        },
        galera: 'not a cluster',
        replication: 'not permitted',
        connections: { total: expect.any(Number), running: 0, longestStatementSeconds: 0 },
        transactions: 'not permitted',
        slowestStatements: 'not permitted',
      },
    });
    expect(body.connections.total).toBeGreaterThan(0);
    expect(text).not.toContain(new URL(testDatabase.serviceUrl).password);
  });

  it('shows transactions and the digests of statements to an account with more rights, without their values', async () => {
    const other = await serve(testDatabase.url);
    const connection = await pool.getConnection();
    await connection.beginTransaction();
    await connection.query(`INSERT INTO outbox (id, subject, payload) SELECT '1', '${USER_DATA}', SLEEP(1)`);
    const { status, body, text } = await get('db', other);
    connection.destroy();
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { pool: { active: 1 }, replication: 'not a replica', transactions: { open: 1, waitingForLock: 0 } },
    });
    expect(body.transactions.longestSeconds).toBeLessThan(60);
    // MariaDB has no digests unless its performance schema is on.
    if (inject('servers').database === 'mysql') {
      const insert = body.slowestStatements.find(({ text }: { text: string }) =>
        text.startsWith('INSERT INTO `outbox`'),
      );
      expect(insert).toMatchObject({ executions: 1, totalSeconds: expect.any(Number) });
    } else expect(body.slowestStatements).toEqual([]);
    expect(text).not.toContain(USER_DATA);
    expect(text).not.toContain(new URL(testDatabase.url).password);
  });

  it('shows the connection to Redis and the figures of the server', async () => {
    const { status, body, text } = await get('redis');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        connection: 'ready',
        server: {
          redis_version: expect.any(String),
          used_memory: expect.any(Number),
          keyspace_hits: expect.any(Number),
          keyspace_misses: expect.any(Number),
          evicted_keys: 0,
          role: 'master',
        },
      },
    });
    expect(text).not.toContain(PASSWORD);
  });

  it('shows the connection to NATS, the account, and the streams with their consumers', async () => {
    const { status, body, text } = await get('nats');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        connection: 'connected',
        server: { version: expect.any(String) },
        account: { streams: 1, consumers: 1, limits: { max_storage: expect.any(Number) } },
        streams: {
          THINGS: {
            messages: 0,
            bytes: 0,
            max_bytes: 2 ** 20,
            consumers: { absent: 'missing', test: { num_pending: 0, num_ack_pending: 0, num_redelivered: 0 } },
          },
        },
      },
    });
    expect(text).not.toContain(PASSWORD);
  });

  it.each([
    ['db', /^(no answer within 2000 ms|ER_\w+)$/],
    ['redis', /^(no answer within the time limit of commands|not connected)$/],
    ['nats', /^(no answer within 2000 ms|TIMEOUT|not connected)$/],
  ] as const)('answers 503 within the time limit while %s hangs, and 200 afterwards', async (part, reason) => {
    proxies[part].hang();
    const startedAtMs = performance.now();
    const { status, body, text } = await get(part);
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
    expect({ status, body }).toMatchObject({ status: 503, body: { error: expect.stringMatching(reason) } });
    expect(body).toHaveProperty(part === 'db' ? 'pool' : 'connection');
    expect(text).not.toContain(PASSWORD);
    proxies[part].restore();
    await expect.poll(async () => (await get(part)).status, { timeout: 15_000 }).toBe(200);
  });
});
