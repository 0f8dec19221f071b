import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { quiet } from '../testing/messaging.ts';
import { createRateLimiters, OWN_KEYS_MAX } from './rate-limiter.ts';

const HOUR_S = 3_600;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('keeps a key in its own memory for at most an hour, even if the window is longer', async () => {
  const redis = new Redis({ lazyConnect: true });
  const limiter = createRateLimiters({ redis, ...quiet() })({
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

it('keeps a limited number of keys in its own memory, the most recently used ones', async () => {
  const redis = new Redis({ lazyConnect: true });
  const limiter = createRateLimiters({ redis, ...quiet() })({ name: 'x', points: 5, windowS: 60 });
  const countOne = (key: string) => limiter.count(key);
  await Promise.all(['idle', 'busy'].map(countOne));
  for (let index = 0; index < OWN_KEYS_MAX; index += 1) {
    if (index === OWN_KEYS_MAX / 2) await limiter.consume('busy');
    await countOne(`stranger ${index}`);
  }
  expect(await Promise.all(['idle', 'stranger 0', 'busy'].map((key) => limiter.peek(key)))).toEqual([0, 0, 2]);
  expect(await limiter.peek(`stranger ${OWN_KEYS_MAX - 1}`)).toBe(1);
  expect(vi.getTimerCount()).toBeLessThanOrEqual(OWN_KEYS_MAX);
});

it('removes a key on reset', async () => {
  const redis = new Redis({ lazyConnect: true, enableOfflineQueue: false });
  const limiter = createRateLimiters({ redis, ...quiet() })({ name: 'x', points: 5, windowS: 60 });
  redis.on('error', () => undefined);
  await limiter.count('ada');
  await limiter.reset('ada');
  expect(await limiter.peek('ada')).toBe(0);
});
