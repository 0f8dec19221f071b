import { expect } from 'vitest';
import { faultTest } from '../support/fault-test.ts';
import { halfOpen, silent } from '../support/faults.ts';

/** The server ends a silent session and its locks after 10 s, and Redis' client after 1 s. NATS' client waits for two pings. */
const NOTICED_MS_MAX = [10_000, 1_000, 15_000] as const;
/** Extra time for a busy machine. */
const GRACE_MS = 8_000;

faultTest('R13: connections that died silently are noticed and replaced', {
  faults: [halfOpen('databases'), halfOpen('Redis'), halfOpen('broker')],
  lasts: { quickMs: 500, fullMs: 1_000 },
  check(episodes) {
    for (const [index, { fault, recoveryMs, caughtUpMs }] of episodes.entries()) {
      const limitMs = (NOTICED_MS_MAX[index] ?? 0) + GRACE_MS;
      expect(recoveryMs, `R13: ${fault}: requests are served again`).toBeLessThan(limitMs);
      expect(caughtUpMs, `R13: ${fault}: all messages are published`).toBeLessThan(limitMs);
    }
  },
  control: {
    without: 'new connections that work',
    fails: /R13: .* requests are served again/,
    faults: [{ ...silent('databases'), end: (rig) => void setTimeout(() => silent('databases').end(rig), 20_000) }],
  },
});
