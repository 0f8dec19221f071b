import type { Redis } from 'ioredis';
import { Counter, type Registry } from 'prom-client';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from './errors.ts';

/** Counts what each key does within a window, for all replicas together. */
export interface RateLimiter {
  /** How many there are in the key's window. */
  peek(key: string): Promise<number>;
  /** Counts one and answers how many there are now in the key's window, this one included. */
  count(key: string): Promise<number>;
  /**
   * Counts one, if it fits.
   * @param windowS the length of the window that this one opens, when there is none; default: the limiter's
   * @throws RATE_LIMITED with the seconds until the window ends
   */
  consume(key: string, windowS?: number): Promise<void>;
  /** Forgets what the key did. */
  reset(key: string): Promise<void>;
}

/**
 * Makes limiters of `points` in `windowS` seconds for each key. While Redis is away each process counts in its own
 * memory: the limits hold for each replica then, rather than for all of them, and nobody is let through uncounted.
 */
export function createRateLimiters({ redis, metrics }: { redis: Redis; metrics: Registry }) {
  const refused = new Counter({
    name: 'rate_limited_total',
    help: 'Requests that were refused because their budget was used up, by budget.',
    labelNames: ['budget'] as const,
    registers: [metrics],
  });

  return ({ name, points, windowS }: { name: string; points: number; windowS: number }): RateLimiter => {
    const limits = { keyPrefix: `limit:${name}`, points, duration: windowS };
    const limiter = new RateLimiterRedis({
      ...limits,
      storeClient: redis,
      rejectIfRedisNotReady: true,
      // A key that has used up its window is refused here, without asking Redis again.
      inMemoryBlockOnConsumed: points + 1,
      insuranceLimiter: new RateLimiterMemory(limits),
    });
    return {
      peek: async (key) => (await limiter.get(key))?.consumedPoints ?? 0,
      count: async (key) => (await limiter.penalty(key)).consumedPoints,
      async consume(key, ownWindowS = windowS) {
        try {
          await limiter.consume(key, 1, { customDuration: ownWindowS });
        } catch (error) {
          if (!(error instanceof RateLimiterRes)) throw error;
          refused.inc({ budget: name });
          throw rateLimited(Math.ceil(error.msBeforeNext / 1_000));
        }
      },
      async reset(key) {
        await limiter.delete(key);
      },
    };
  };
}

export type CreateRateLimiter = ReturnType<typeof createRateLimiters>;
