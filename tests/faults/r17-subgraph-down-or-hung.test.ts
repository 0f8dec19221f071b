import { expect } from 'vitest';
import type { TestProxy } from '#platform/testing/proxy.ts';
import { SUBGRAPHS } from '#services';
import { faultTest, NO_TIME_LIMITS } from '../support/fault-test.ts';
import { hung, killed } from '../support/faults.ts';
import { IS_FULL_RUN, SEED } from '../support/promise.ts';
import { createRandom, shuffled } from '../support/random.ts';

/** The nullable fields of a page that each subgraph resolves. */
const FIELDS_OF: Record<string, RegExp> = {
  user: /^(me|event\.organizer)(\.name)?$/,
  event: /^(event|me\.bookings\.nodes\.event)(\.name)?$/,
  booking: /^(event\.availableSeats|me\.bookings)$/,
  notification: /^me\.notifications$/,
};

/** Counts how often each idempotency key passes a proxy. */
function countKeys(proxy: TestProxy): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  proxy.onClientData((chunk) => {
    for (const [, key = ''] of chunk.matchAll(/"idempotencyKey":"([^"]+)"/g))
      counts.set(key, (counts.get(key) ?? 0) + 1);
  });
  return counts;
}
/** In a short run, the seed determines one of the subgraphs. */
const AFFECTED = shuffled(SUBGRAPHS, createRandom(SEED)).slice(0, IS_FULL_RUN ? SUBGRAPHS.length : 1);
let atGateway: ReadonlyMap<string, number>;
let atSubgraph: ReadonlyMap<string, number>;

faultTest('R17: a subgraph that is down or hangs costs only its own fields, and the gateway repeats no mutation', {
  faults: AFFECTED.flatMap((name) => [killed(name), hung(name)]),
  lasts: { quickMs: 3_000, fullMs: 5_000 },
  prepare({ proxies }) {
    [atGateway, atSubgraph] = [countKeys(proxies.gateway), countKeys(proxies.booking)];
  },
  check(episodes) {
    for (const { fault, during } of episodes) {
      const lacking = during.flatMap(({ answer }) => (answer.outcome === 'incomplete' ? answer.lacking : []));
      expect(lacking.length, `R17: ${fault}: it has an effect`).toBeGreaterThan(0);
      for (const path of lacking)
        expect(path, `R17: ${fault}: missing`).toMatch(FIELDS_OF[fault.split(' ')[0] ?? ''] ?? '');
    }
    expect(atSubgraph.size, 'R17: mutations were seen').toBeGreaterThan(0);
    const repeated = [...atSubgraph].filter(([key, count]) => count > (atGateway.get(key) ?? 0));
    expect(repeated, 'R17: mutations that the gateway repeated').toEqual([]);
  },
  control: {
    without: 'time limits',
    fails: /G6: no request ran past its deadline/,
    start: { env: NO_TIME_LIMITS },
    faults: [{ ...hung('event'), lastsMs: 24_000 }],
  },
});
