import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createProxy, type StoppingPoint, type TestProxy } from '#platform/testing/proxy.ts';
import { expectNothingLostNorDoubled } from '../support/invariants.ts';
import { IS_FULL_RUN } from '../support/promise.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';
import { errorsLogged, inviteVisitors, type Visitors } from '../support/visitors.ts';

const SOON = { timeout: 30_000, interval: 50 };
/** The minimum number of failed attempts to reconnect: one for each subgraph. */
const REFUSALS_MIN = 4;
const isLockingBatch = (said: string) => said.lastIndexOf('SKIP LOCKED') > said.lastIndexOf('COMMIT');

/** The points in the traffic with a server at which its connection breaks. */
const POINTS: Record<string, { proxy: 'database' | 'redis' | 'nats'; point?: StoppingPoint }> = {
  'the database, with all connections at once': { proxy: 'database' },
  'the database, before its greeting': {
    proxy: 'database',
    point: { from: 'server', isReached: (_chunk, said) => said === '' },
  },
  'the database, after the handshake': {
    proxy: 'database',
    point: { from: 'client', isReached: (chunk) => chunk.includes('SET SESSION') },
  },
  'the database, before a query reaches it': {
    proxy: 'database',
    point: { from: 'client', isReached: (chunk) => chunk.includes('FROM `booking_db`') || chunk.includes('SELECT') },
  },
  'the database, in the middle of its answer': {
    proxy: 'database',
    point: { from: 'server', isReached: (_chunk, said) => /SELECT[^;]*$/.test(said.slice(-2_000)) },
  },
  'the database, while it locks the inventories of a batch': {
    proxy: 'database',
    point: {
      from: 'server',
      isReached: (_chunk, said) => isLockingBatch(said),
    },
  },
  'the database, before a commit reaches it': {
    proxy: 'database',
    point: {
      from: 'client',
      isReached: (chunk, said) => chunk.includes('COMMIT') && said.includes('INSERT INTO bookings'),
    },
  },
  'the database, after the commit and before its answer': {
    proxy: 'database',
    point: {
      from: 'server',
      isReached: (_chunk, said) => /INSERT INTO bookings.*COMMIT;SET autocommit = 1$/s.test(said),
    },
  },
  'Redis, with all connections at once': { proxy: 'redis' },
  'Redis, before a command reaches it': {
    proxy: 'redis',
    point: { from: 'client', isReached: (chunk) => chunk.includes('mget') },
  },
  'Redis, before it answers': {
    proxy: 'redis',
    point: { from: 'server', isReached: (_chunk, said) => said.includes('mget') },
  },
  'NATS, with all connections at once': { proxy: 'nats' },
  'NATS, before a message reaches it': {
    proxy: 'nats',
    point: { from: 'client', isReached: (chunk) => chunk.includes('booking.confirmed') },
  },
  'NATS, before it confirms a message': {
    proxy: 'nats',
    point: { from: 'server', isReached: (chunk) => chunk.includes('"stream"') },
  },
};

const HOWS = IS_FULL_RUN ? (['close', 'reset'] as const) : (['close'] as const);

describe('R12: connections that break while users book and read pages', () => {
  let proxies: Record<'database' | 'redis' | 'nats', TestProxy>;
  let system: TestSystem;
  let visitors: Visitors;

  beforeAll(async () => {
    const { adminUrl, redisUrl, natsUrl } = inject('servers');
    proxies = {
      database: await createProxy(adminUrl),
      redis: await createProxy(redisUrl),
      nats: await createProxy(natsUrl),
    };
    system = await startTestSystem({
      databaseHost: new URL(proxies.database.url).host,
      redisUrl: proxies.redis.url,
      natsUrl: proxies.nats.url,
    });
    visitors = await inviteVisitors(system);
  });
  afterAll(async () => {
    await system?.stop();
    for (const proxy of Object.values(proxies ?? {})) proxy.close();
  });

  describe.each(HOWS)('by a %s', (how) => {
    it.each(Object.entries(POINTS))(
      '%s: every answer is data or SERVICE_UNAVAILABLE',
      async (_where, { proxy, point }) => {
        const served = (count: number) => {
          const before = visitors.seen.whole;
          return vi.waitFor(() => expect(visitors.seen.whole).toBeGreaterThan(before + count), SOON);
        };
        await served(10);
        if (point !== undefined) {
          const reached = proxies[proxy].stopAt(point);
          // These points are at the start of a connection, so the services must open new ones.
          if (/greeting|handshake/.test(_where)) {
            proxies[proxy].cut(how);
            proxies[proxy].restore();
          }
          await reached;
        }
        const refusedBefore = proxies[proxy].refusedCount();
        proxies[proxy].cut(how);
        // The outage lasts until enough attempts to reconnect have failed.
        await vi.waitFor(
          () => expect(proxies[proxy].refusedCount()).toBeGreaterThanOrEqual(refusedBefore + REFUSALS_MIN),
          SOON,
        );
        proxies[proxy].restore();
        await served(10);
        expect(visitors.wrong).toEqual([]);
      },
    );
  });

  it('no acknowledged booking is lost, and no error is logged', { timeout: 180_000 }, async () => {
    await expectNothingLostNorDoubled(system, { acknowledged: await visitors.leave() });
    expect(visitors.wrong).toEqual([]);
    expect(errorsLogged(system)).toEqual([]);
  });
});
