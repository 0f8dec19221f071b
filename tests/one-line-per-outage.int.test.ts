import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { createCallMetrics } from '#platform/clients/call-metrics.ts';
import { createGraphQLClient } from '#platform/clients/graphql-client.ts';
import { createDatabasePool } from '#platform/database/database.ts';
import { createBroker } from '#platform/messaging/broker.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createRedis } from '#platform/redis/redis.ts';
import { createTestDatabase, type TestDatabase } from '#platform/testing/database.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { startStandIn } from '../gateway/testing/stand-in.ts';
import { createLogLines } from './support/log-lines.ts';

const SOON = { timeout: 10_000 };
/** The time without failures after which an outage counts as over. */
const QUIET_MS = 10_000;
const CALLS = 1_500;

describe('an outage is logged once when it begins and once when it is over', () => {
  let testDatabase: TestDatabase;
  let log: ReturnType<typeof createLogLines>;
  const stops: (() => unknown)[] = [];
  beforeAll(async () => {
    testDatabase = await createTestDatabase();
  });
  beforeEach(() => {
    log = createLogLines();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  afterAll(() => testDatabase.drop());

  const shown = () => log.lines.filter(({ level }) => level !== 'debug').map(({ msg }) => msg);

  async function proxyTo(url: string) {
    const proxy = await createProxy(url);
    stops.push(() => proxy.close());
    return proxy;
  }

  function skipQuietTime(): void {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + QUIET_MS);
  }

  it('of the database', async () => {
    const proxy = await proxyTo(testDatabase.serviceUrl);
    const settings = parseConfig(databaseSettings('test'), { DATABASE_URL: proxy.url });
    const pool = createDatabasePool(settings, { metrics: new Registry(), logger: log.logger });
    stops.push(() => pool.end());
    const ask = () => pool.query('SELECT 1').catch(() => undefined);
    await ask();
    expect(shown()).toEqual([]);
    proxy.cut();
    for (let round = 0; round < 2; round += 1) await Promise.all(Array.from({ length: 30 }, ask));
    expect(shown()).toEqual(['the database gives no connection, or all connections are in use']);
    proxy.restore();
    await vi.waitFor(async () => expect(await ask()).toBeDefined(), SOON);
    skipQuietTime();
    for (let request = 0; request < 30; request += 1) await ask();
    expect(shown().slice(1)).toEqual(['the database gives connections again']);
  });

  it('of Redis', async () => {
    const proxy = await proxyTo(inject('servers').redisUrl);
    const redis = createRedis({ url: proxy.url, name: 'test', logger: log.logger });
    stops.push(() => redis.disconnect());
    await vi.waitFor(() => expect(redis.status).toBe('ready'), SOON);
    proxy.cut();
    await vi.waitFor(() => expect(proxy.refusedCount()).toBeGreaterThan(2), SOON);
    for (let request = 0; request < 30; request += 1) await redis.get('key').catch(() => undefined);
    proxy.restore();
    await vi.waitFor(() => expect(redis.status).toBe('ready'), SOON);
    const outage = 'Redis cannot be used; the service continues without it and retries';
    expect(shown()).toEqual(['Redis connected', outage, 'Redis connected']);
  });

  it('of NATS', async () => {
    const proxy = await proxyTo(inject('servers').natsUrl);
    const settings = { NATS_URL: proxy.url, NATS_REPLICAS: 1, NATS_SUBJECT_PREFIX: '' };
    const broker = createBroker({ settings, name: 'test', logger: log.logger });
    stops.push(() => broker.close());
    await vi.waitFor(() => expect(broker.isConnected()).toBe(true), SOON);
    const { manager } = await broker.jetStream();
    proxy.cut();
    await vi.waitFor(() => expect(broker.isConnected()).toBe(false), SOON);
    await Promise.all(Array.from({ length: 30 }, () => manager.getAccountInfo().catch(() => undefined)));
    proxy.restore();
    await vi.waitFor(() => expect(broker.isConnected()).toBe(true), SOON);
    expect(shown()).toEqual(['broker connected', 'broker disconnected', 'broker connected']);
  });

  it('of a subgraph with too many calls in flight', async () => {
    const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
    const subgraph = await startStandIn(async (_request, response) => {
      await goOn;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{}}');
    });
    stops.push(subgraph.stop);
    const callMetrics = createCallMetrics({ server: 'event', metrics: new Registry(), logger: log.logger });
    const client = createGraphQLClient({ url: subgraph.url, secret: 'of no importance', callMetrics });
    stops.push(client.close);
    const ask = () => client.request({ query: '{a}', headers: {}, timeoutMs: 5_000 }).catch(() => undefined);
    const refusals = () => shown().filter((msg) => /^(too many )?calls to the server are/.test(String(msg)));
    const calls = Array.from({ length: CALLS }, ask);
    const refused = 'too many calls to the server are in flight; further calls are refused';
    expect(refusals()).toEqual([refused]);
    release();
    await Promise.all(calls);
    skipQuietTime();
    for (let request = 0; request < 30; request += 1) await ask();
    expect(refusals()).toEqual([refused, 'calls to the server are no longer refused']);
  });
});
