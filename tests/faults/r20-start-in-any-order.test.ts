import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { SERVICES } from '#services';
import { faultTest } from '../support/fault-test.ts';
import { IS_FULL_RUN, SEED } from '../support/promise.ts';
import { createRandom, shuffled } from '../support/random.ts';
import { DATABASES, type Rig } from '../support/rig.ts';
import { startTimesOf } from '../support/system.ts';

const AWAY_MS = IS_FULL_RUN ? 20_000 : 4_000;
const READY_WITHIN_MS = 30_000;
const random = createRandom(SEED);
const SERVERS = shuffled(['Redis', 'broker', ...DATABASES] as const, random);

/** Waits until every service answers a path with a status. */
const untilAll = ({ system }: Rig, path: string, status: number) =>
  vi.waitFor(
    async () => {
      for (const name of SERVICES) {
        const answer = await fetch(system.urls[name] + path);
        expect(answer.status, `R20: ${name}: ${path} says ${await answer.text()}`).toBe(status);
      }
    },
    { timeout: READY_WITHIN_MS, interval: 100 },
  );

faultTest('R20: services may start before what they need: they live, say that they are not ready, and recover', {
  start: {
    awaitReady: false,
    startOrder: shuffled(SERVICES, random),
    beforeStart: (proxies) => SERVERS.forEach((server) => void proxies[server].cut()),
  },
  async prepare(rig) {
    await untilAll(rig, '/health', 200);
    const startTimes = await startTimesOf(rig.system);
    await untilAll(rig, '/ready', 503);
    await delay(AWAY_MS);
    await untilAll(rig, '/ready', 503);
    for (const server of SERVERS) rig.proxies[server].restore();
    await untilAll(rig, '/ready', 200);
    expect(await startTimesOf(rig.system), 'R20: no service was restarted').toEqual(startTimes);
  },
  faults: [],
  control: {
    without: 'one of the databases',
    fails: /R20: .* \/ready says/,
    start: {
      awaitReady: false,
      beforeStart: (proxies) => Object.assign(proxies['event database'], { restore: () => undefined }).cut(),
    },
  },
});
