import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectNothingLostNorDoubled } from '../support/invariants.ts';
import { createOwnDatabase, createOwnNats, createOwnRedis, type OwnServer } from '../support/own-servers.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';
import { errorsLogged, inviteVisitors, type Visitors } from '../support/visitors.ts';

const KILLS = 3;
const SOON = { timeout: 30_000, interval: 50 };

describe('R12: servers that are killed while users book and read pages', () => {
  let servers: Record<'database' | 'Redis' | 'NATS', OwnServer>;
  let system: TestSystem;
  let visitors: Visitors;

  beforeAll(async () => {
    servers = { database: await createOwnDatabase(), Redis: await createOwnRedis(), NATS: await createOwnNats() };
    await Promise.all(Object.values(servers).map((server) => server.start()));
    system = await startTestSystem({
      adminUrl: servers.database.url,
      redisUrl: servers.Redis.url,
      natsUrl: servers.NATS.url,
    });
    visitors = await inviteVisitors(system);
  });
  afterAll(async () => {
    await system?.stop();
    for (const server of Object.values(servers ?? {})) await server.remove();
  });

  /** Waits for `count` more complete answers. */
  const served = async (count: number) => {
    const before = visitors.seen.whole;
    await vi.waitFor(() => expect(visitors.seen.whole).toBeGreaterThan(before + count), SOON);
  };

  it.each(['database', 'Redis', 'NATS'] as const)(
    '%s: every answer is data or SERVICE_UNAVAILABLE',
    {
      timeout: 180_000,
    },
    async (name) => {
      for (let kill = 0; kill < KILLS; kill += 1) {
        await served(30);
        const { whole, lacking } = visitors.seen;
        await servers[name].kill();
        // Bookings and pages need the database. Without Redis or NATS they are still complete.
        if (name === 'database')
          await vi.waitFor(() => expect(visitors.seen.lacking).toBeGreaterThan(lacking + 10), SOON);
        else await vi.waitFor(() => expect(visitors.seen.whole).toBeGreaterThan(whole + 30), SOON);
        await servers[name].start();
      }
      await served(30);
      expect(visitors.wrong).toEqual([]);
    },
  );

  it('no acknowledged booking is lost, and no error is logged', { timeout: 180_000 }, async () => {
    await expectNothingLostNorDoubled(system, { acknowledged: await visitors.leave() });
    expect(visitors.wrong).toEqual([]);
    expect(errorsLogged(system)).toEqual([]);
  });
});
