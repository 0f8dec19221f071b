import { expect, vi } from 'vitest';
import { readEvent, renameEvent, signUpAdmin } from '../support/client.ts';
import { faultTest } from '../support/fault-test.ts';
import { down, frozen, slow } from '../support/faults.ts';
import { isServed, medianPageMs } from '../support/history.ts';

const CACHE_TTL_S = 2;
/** 100 ms, and extra time for a busy machine. */
const SLOWER_MS_MAX = 100 + 100;

faultTest('R10: without Redis everything is right and hardly slower, and no old data is served after the TTL', {
  start: { production: true, env: { CACHE_TTL: String(CACHE_TTL_S) } },
  faults: [down('Redis'), frozen('Redis'), slow('Redis', 2_000)],
  lasts: { quickMs: 3_000, fullMs: 20_000 },
  async during({ system, eventIds }, { name }) {
    const admin = await signUpAdmin(system);
    for (const id of eventIds) await renameEvent(admin, id, name);
  },
  async check(episodes, { system, eventIds }) {
    for (const { fault, before, during } of episodes) {
      const slowerMs = medianPageMs(during) - medianPageMs(before);
      expect(slowerMs, `R10: ${fault}: pages are slower`).toBeLessThan(SLOWER_MS_MAX);
      const failed = during.filter((entry) => !isServed(entry));
      expect(failed, `R10: ${fault}: every request is served`).toEqual([]);
    }
    const admin = await signUpAdmin(system);
    const isLatest = async () => {
      for (const id of eventIds) expect((await readEvent(admin, id)).name, 'R10: stale').toBe(episodes.at(-1)?.fault);
    };
    await vi.waitFor(isLatest, { timeout: CACHE_TTL_S * 1_000 + 3_000 });
  },
  control: {
    without: 'a fast database',
    fails: /R10: .* pages are slower/,
    faults: [slow('user database', 500)],
    during: async () => undefined,
  },
});
