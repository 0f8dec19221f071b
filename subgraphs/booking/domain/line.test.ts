import { describe, expect, it } from 'vitest';
import { createRandom } from '#platform/testing/random.ts';
import { comeBackInMs, createRate, turnsIn } from './line.ts';

describe('a rate', () => {
  it('follows a change within some seconds, and is 0 before the first event', () => {
    const rate = createRate();
    expect(rate.perS()).toBe(0);
    for (let tick = 0; tick < 5; tick += 1) rate.add(100, 200);
    expect(rate.perS()).toBeCloseTo(500);
    for (let tick = 0; tick < 75; tick += 1) rate.add(20, 200);
    expect(rate.perS()).toBeGreaterThan(100);
    expect(rate.perS()).toBeLessThan(125);
  });
});

describe('the turns of a tick', () => {
  it('are what is decided at half the bound, twice as many without waiting requests, and none at the bound', () => {
    const turns = (waiting: number) => turnsIn(200, { waiting, waitingMax: 1_000, perS: 500 });
    expect([0, 500, 1_000, 3_000].map(turns)).toEqual([200, 100, 0, 0]);
  });

  it('are some even if nothing was decided yet', () => {
    expect(turnsIn(1_000, { waiting: 0, waitingMax: 10, perS: 0 })).toBe(10);
  });
});

describe('the time to come back', () => {
  const jitter = 0;

  it('is that of the turn for the next ones, an earlier one for others, and from 1 to 60 s', () => {
    expect(comeBackInMs(0, { perS: 100, jitter })).toBe(1_000);
    expect(comeBackInMs(200, { perS: 100, jitter })).toBe(2_300);
    expect(comeBackInMs(2_300, { perS: 100, jitter })).toBe(18_300);
    expect(comeBackInMs(1_000_000, { perS: 100, jitter })).toBe(60_000);
    expect(comeBackInMs(50_000, { perS: 0, jitter })).toBe(2_300);
  });

  it('is never earlier for a later place', () => {
    const random = createRandom('come back');
    for (let round = 0; round < 1_000; round += 1) {
      const perS = 1 + random.below(5_000);
      const position = random.below(100_000);
      const [before, after] = [position, position + 1].map((at) =>
        comeBackInMs(at, { perS, jitter: random.below(1_000) / 1_000 }),
      );
      expect(after).toBeGreaterThanOrEqual(before as number);
    }
  });
});
