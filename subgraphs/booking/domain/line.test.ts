import { describe, expect, it } from 'vitest';
import { createRandom } from '#platform/testing/random.ts';
import { comeBackInMs, createPace, createRate } from './line.ts';

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

describe('the pace of turns', () => {
  const TICK_MS = 200;

  it('is what is decided at half the bound, twice as many without waiting requests, and none at the bound', () => {
    const turns = (waiting: number) => {
      const pace = createPace(1_000);
      pace.add(500, 1_000);
      return pace.turnsIn(TICK_MS, waiting);
    };
    expect(turns(0)).toBeGreaterThanOrEqual(200);
    expect(turns(0)).toBeLessThan(220);
    expect([500, 1_000, 3_000].map(turns)).toEqual([100, 0, 0]);
  });

  it('gives some turns before anything was decided, and loses no part of a turn', () => {
    const pace = createPace(10);
    let turns = 0;
    for (let tick = 0; tick < 50; tick += 1) turns += pace.turnsIn(TICK_MS, 5);
    expect(turns).toBe(50);
  });

  /** A process that decides `perTick` requests, whose callers come `lag` ticks after their turn, or never. */
  function decided({ lag, comes, seed }: { lag: number; comes: number; seed: number }) {
    const [perTick, waitingMax, ticks] = [60, 400, 300];
    const random = createRandom('pace', seed);
    const pace = createPace(waitingMax);
    const coming: number[] = [];
    let waiting = waitingMax;
    let sum = 0;
    let waitingMost = 0;
    for (let tick = 0; tick < ticks; tick += 1) {
      const done = Math.min(waiting, perTick);
      waiting -= done;
      if (waiting > 0 || done > 0) pace.add(done, TICK_MS);
      const turns = pace.turnsIn(TICK_MS, waiting);
      coming.push(Array.from({ length: turns }, () => random.chance(comes)).filter(Boolean).length);
      waiting += coming[tick - lag] ?? 0;
      if (tick >= ticks / 3) {
        sum += done;
        waitingMost = Math.max(waitingMost, waiting);
      }
    }
    return { busy: sum / (perTick * ticks * (2 / 3)), waitingMost };
  }

  it.each([
    { lag: 0, comes: 1 },
    { lag: 4, comes: 1 },
    { lag: 4, comes: 0.7 },
    { lag: 2, comes: 0.4 },
  ])('keeps a process busy, with few requests waiting: $comes of the callers come after $lag ticks', (callers) => {
    for (let seed = 0; seed < 10; seed += 1) {
      const { busy, waitingMost } = decided({ ...callers, seed });
      expect(busy).toBeGreaterThan(0.9);
      expect(waitingMost).toBeLessThan(2 * 400);
    }
  });
});

describe('the time to come back', () => {
  const jitter = 0;
  const ageMs = 1_000_000;

  it('is that of the turn for the next ones, an earlier one for others, and from 1 to 60 s', () => {
    const known = { perS: 100, ageMs, jitter };
    expect(comeBackInMs(0, known)).toBe(1_000);
    expect(comeBackInMs(150, known)).toBe(1_800);
    expect(comeBackInMs(2_200, known)).toBe(14_300);
    expect(comeBackInMs(1_000_000, known)).toBe(60_000);
  });

  it('is soon while little is known about the speed of the line', () => {
    expect(comeBackInMs(50_000, { perS: 0, ageMs: 0, jitter })).toBe(2_000);
    expect(comeBackInMs(50_000, { perS: 10, ageMs: 3_000, jitter })).toBe(5_000);
  });

  it('is never earlier for a later place', () => {
    const random = createRandom('come back');
    for (let round = 0; round < 1_000; round += 1) {
      const perS = 1 + random.below(5_000);
      const position = random.below(100_000);
      const [before, after] = [position, position + 1].map((at) =>
        comeBackInMs(at, { perS, ageMs, jitter: random.below(1_000) / 1_000 }),
      );
      expect(after).toBeGreaterThanOrEqual(before as number);
    }
  });
});
