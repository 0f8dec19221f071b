import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLeases } from './leases.ts';

const WINDOW_S = 60;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A window that several processes share. */
function createWindow(points: number) {
  let consumedPoints = 0;
  const takeShared = vi.fn(async (_key: string, taken: number) => {
    consumedPoints += taken;
    return { consumedPoints, msBeforeNext: WINDOW_S * 1_000 };
  });
  const join = () => {
    const leases = createLeases({ points, keysMax: 10, takeShared });
    return {
      draw: async (cost = 1) => (await leases.draw('ada', { cost, windowS: WINDOW_S })) === undefined,
      end: () => leases.end('ada'),
    };
  };
  return { takeShared, join, startNew: () => (consumedPoints = 0) };
}

async function granted(draw: () => Promise<boolean>, count: number): Promise<number> {
  let sum = 0;
  for (let index = 0; index < count; index += 1) if (await draw()) sum += 1;
  return sum;
}

it('takes a fiftieth of a large budget, and at most 32 points, in one request', async () => {
  for (const [points, requests] of [
    [1_000, 5],
    [1_000_000, 4],
  ] as const) {
    const { takeShared, join } = createWindow(points);
    expect(await granted(join().draw, 100)).toBe(100);
    expect(takeShared).toHaveBeenCalledTimes(requests);
  }
});

it('takes a small budget point by point, so that no point is unused', async () => {
  const { join } = createWindow(8);
  const [one, other] = [join(), join()];
  expect([await granted(one.draw, 3), await granted(other.draw, 10), await granted(one.draw, 3)]).toEqual([3, 5, 0]);
});

it('never grants more than the budget to all processes together, and one process can use all of it', async () => {
  const { join } = createWindow(200);
  const processes = [join(), join(), join()];
  const sums = await Promise.all(processes.map(({ draw }) => granted(draw, 200)));
  const sum = sums.reduce((total, one) => total + one);
  expect(sum).toBeLessThanOrEqual(200);
  expect(sum).toBeGreaterThanOrEqual(200 - 2 * 3);
  expect(await granted(createWindow(200).join().draw, 300)).toBe(200);
});

it('asks once for the draws of the same moment, and not at all when the window has no more points', async () => {
  const { takeShared, join } = createWindow(100);
  const { draw } = join();
  const many = await Promise.all(Array.from({ length: 150 }, () => draw()));
  expect(many.filter(Boolean)).toHaveLength(100);
  const { length } = takeShared.mock.calls;
  expect(length).toBeLessThanOrEqual(3);
  expect(await draw()).toBe(false);
  expect(takeShared).toHaveBeenCalledTimes(length);
});

it('refuses a draw that costs more than what is left, and every later one', async () => {
  const { join } = createWindow(10);
  const { draw } = join();
  expect([await draw(8), await draw(8), await draw(1)]).toEqual([true, false, false]);
});

it('does not use a lease after its window or after its end', async () => {
  const { join, startNew, takeShared } = createWindow(100);
  const { draw, end } = join();
  expect(await granted(draw, 200)).toBe(100);
  startNew();
  vi.advanceTimersByTime(WINDOW_S * 1_000);
  expect(await granted(draw, 200)).toBe(100);
  startNew();
  end();
  expect(await draw()).toBe(true);
  expect(takeShared.mock.lastCall).toEqual(['ada', 2, WINDOW_S]);
});

it('passes a failure of the shared window to every waiting draw, and asks again for the next', async () => {
  const { join, takeShared } = createWindow(100);
  const { draw } = join();
  takeShared.mockRejectedValueOnce(new Error('away'));
  const outcomes = await Promise.allSettled([draw(), draw()]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await draw()).toBe(true);
});
