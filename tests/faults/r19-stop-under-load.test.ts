import { expect } from 'vitest';
import { KEEP_ALIVE_MS } from '#platform/clients/graphql-client.ts';
import { SERVICES } from '#services';
import { faultTest } from '../support/fault-test.ts';
import { replaced } from '../support/faults.ts';
import { isServed } from '../support/history.ts';
import { IS_FULL_RUN, SEED } from '../support/promise.ts';
import { createRandom, shuffled } from '../support/random.ts';
import { logsOf } from '../support/visitors.ts';

/** As in Kubernetes: longer than a client keeps an idle connection. */
const DRAIN_DELAY_MS = KEEP_ALIVE_MS + 2_000;

/** In a short run, the seed determines one of the services. */
const STOPPED = shuffled(SERVICES, createRandom(SEED)).slice(0, IS_FULL_RUN ? SERVICES.length : 1);

faultTest('R19: a service that is stopped by SIGTERM under load finishes its requests and loses nothing', {
  start: { env: { DRAIN_DELAY_MS: String(DRAIN_DELAY_MS) } },
  faults: STOPPED.map((name) => replaced(name)),
  check(_episodes, { history, system }) {
    const failed = history.entries.filter((entry) => !isServed(entry));
    expect(failed, 'R19: every request is served').toEqual([]);
    const stopped = logsOf(system).filter(({ msg }) => msg === 'stopped');
    expect(stopped.length, 'R19: every process stopped in order').toBe(STOPPED.length);
  },
  control: {
    without: 'a drain delay',
    fails: /R19: every request is served/,
    start: { env: { DRAIN_DELAY_MS: '0' } },
  },
});
