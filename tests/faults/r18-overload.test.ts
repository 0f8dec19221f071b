import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { SERVICES } from '#services';
import { faultTest } from '../support/fault-test.ts';
import { overload, relief } from '../support/faults.ts';

const LASTS_MS = 60_000;
const GOODPUT_MIN = 0.7;
const RECOVERY_MS_MAX = 10_000;
const HEALTH_TIMEOUT_MS = 10_000;
/** So slow that this machine, which also sends the load, can refuse five times what the system sustains. */
const DATABASE_MS = 600;
const fault = overload(5, { databaseMs: DATABASE_MS });
let sustainedAfterPerS = Number.NaN;
const end = relief((perS) => {
  sustainedAfterPerS = perS;
});

faultTest('R18: five times the sustainable load leaves 70 % of the goodput, and the services stay healthy', {
  faults: [{ ...fault, lastsMs: LASTS_MS }, end],
  async during({ system }, { lastsMs = 0 }) {
    for (const endMs = performance.now() + lastsMs; performance.now() < endMs; await delay(1_000)) {
      for (const name of SERVICES) {
        const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
        expect((await fetch(`${system.urls[name]}/health`, { signal })).status, `R18: ${name}`).toBe(200);
      }
    }
  },
  check([episode]) {
    const { sustainedPerS, goodputPerS } = fault.rates();
    const figures = [sustainedPerS, goodputPerS, sustainedAfterPerS].map(Math.round);
    process.stdout.write(`  R18: requests served per second before, during and after: ${figures.join(', ')}\n`);
    // Another program on the machine may have slowed the system down after the first measurement.
    const bestPerS = Math.min(sustainedPerS, sustainedAfterPerS);
    expect(bestPerS, 'R18: the system serves more than the usual load').toBeGreaterThan(20);
    expect(goodputPerS / bestPerS, 'R18: goodput').toBeGreaterThan(GOODPUT_MIN);
    expect(episode?.recoveryMs, 'R18: recovery').toBeLessThan(RECOVERY_MS_MAX);
  },
  control: {
    without: 'a database that keeps its speed under load',
    fails: /R18: goodput/,
    faults: [
      {
        ...fault,
        lastsMs: 15_000,
        async begin(scene) {
          await fault.begin(scene);
          scene.proxies['booking database'].slow(5 * DATABASE_MS);
        },
        end(scene) {
          fault.end(scene);
          scene.proxies['booking database'].restore();
        },
      },
      end,
    ],
  },
});
