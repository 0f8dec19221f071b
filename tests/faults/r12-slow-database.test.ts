import { expect } from 'vitest';
import { faultTest, NO_TIME_LIMITS } from '../support/fault-test.ts';
import { frozen, silent, slow } from '../support/faults.ts';

const RECOVERY_MS_MAX = 10_000;

faultTest('R12: a slow, black-holed or stopped database fails fast, and the other subgraphs still answer', {
  faults: [slow('booking database', 2_000), silent('booking database'), frozen('database')],
  lasts: { quickMs: 4_000, fullMs: 15_000 },
  check(episodes) {
    for (const { fault, during, recoveryMs } of episodes) {
      expect(recoveryMs, `R12: ${fault}: recovery`).toBeLessThan(RECOVERY_MS_MAX);
      if (!fault.startsWith('booking')) continue;
      const incomplete = during.flatMap(({ answer }) => (answer.outcome === 'incomplete' ? [answer] : []));
      expect(incomplete.length, `R12: ${fault}: it has an effect`).toBeGreaterThan(0);
      for (const { data, lacking } of incomplete) {
        expect(data, `R12: ${fault}: the other subgraphs answer`).toMatchObject({
          event: { name: 'Concert', organizer: { name: 'Ada Lovelace' } },
          me: { name: 'Buyer', notifications: { nodes: expect.any(Array) } },
        });
        for (const path of lacking) expect(path).toMatch(/^(event\.availableSeats|me\.bookings)$/);
      }
    }
  },
  control: {
    without: 'time limits',
    fails: /G6: no request ran past its deadline/,
    start: { env: NO_TIME_LIMITS },
    faults: [silent('booking')],
    lasts: { quickMs: 24_000, fullMs: 24_000 },
  },
});
