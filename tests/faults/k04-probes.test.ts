import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProxy } from '#platform/testing/proxy.ts';
import { SUBGRAPHS } from '#services';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const WAIT = { timeout: 10_000, interval: 100 };

describe('K4: probes report the real state', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startTestSystem();
  });
  afterAll(() => system?.stop());

  it.each(SUBGRAPHS)(
    'without its database %s is alive but not ready and says why; with it, it is ready again without a restart',
    async (name) => {
      const proxy = await createProxy(system.databaseUrls[name]);
      const url = await system.startReplica(name, { databaseUrl: proxy.url });
      const ask = async (path: string) => {
        const response = await fetch(url + path);
        return { status: response.status, text: await response.text() };
      };
      const startTime = async () => (await ask('/metrics')).text.match(/^process_start_time_seconds.* \d+/m)?.[0];
      const startedAt = await startTime();
      expect(startedAt).toBeDefined();
      expect(await ask('/ready')).toMatchObject({ status: 200 });

      proxy.cut();
      await expect
        .poll(() => ask('/ready'), WAIT)
        .toMatchObject({
          status: 503,
          text: expect.stringMatching(/"unready".*"database":{"status":"down"/),
        });
      expect(await ask('/health')).toMatchObject({ status: 200 });
      expect(await ask('/serving')).toMatchObject({ status: 200 });

      proxy.restore();
      await expect.poll(() => ask('/ready'), WAIT).toMatchObject({ status: 200 });
      expect(await startTime()).toBe(startedAt);
      proxy.close();
    },
  );
});
