import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRateLimiters } from './rate-limiter.ts';

const HOUR_S = 3_600;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('keeps no key in its own memory for longer than an hour, however long the window', async () => {
  const redis = new Redis({ lazyConnect: true });
  const limiter = createRateLimiters({ redis, metrics: new Registry() })({
    name: 'x',
    points: 5,
    windowS: 24 * HOUR_S,
  });
  await Promise.all([limiter.count('counted'), limiter.renew('renewed'), limiter.consume('consumed')]);
  const counts = () => Promise.all(['counted', 'renewed', 'consumed'].map((key) => limiter.peek(key)));

  vi.advanceTimersByTime((HOUR_S - 1) * 1_000);
  expect(await counts()).toEqual([1, 1, 1]);
  vi.advanceTimersByTime(2_000);
  expect(await counts()).toEqual([0, 0, 0]);
});
