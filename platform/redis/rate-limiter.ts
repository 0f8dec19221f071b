import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { Counter, type Registry } from 'prom-client';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from '../errors/errors.ts';

/** Counts what each key does within a window, for all replicas together. */
export interface RateLimiter {
  /** How many there are in the key's window. */
  peek(key: string): Promise<number>;
  /** Counts one and answers how many there are now in the key's window, this one included. */
  count(key: string): Promise<number>;
  /**
   * Counts `points`, 1 by default, if they fit.
   * @param windowS the length of the window that they open, when there is none; default: the limiter's
   * @throws RATE_LIMITED with the seconds until the window ends
   */
  consume(key: string, cost?: { points?: number; windowS?: number }): Promise<void>;
  /** Opens the key's window anew, with one in it. */
  renew(key: string): Promise<void>;
  /** Forgets what the key did. */
  reset(key: string): Promise<void>;
}

/** A process keeps no key longer than this in its own memory. */
const OWN_WINDOW_S_MAX = 3_600;
/** How many keys a limiter keeps there, the last used ones; each takes some 650 bytes, all of them some 32 MB. */
export const OWN_KEYS_MAX = 50_000;

/**
 * Makes limiters of `points` in `windowS` seconds for each key. Every process counts in its own memory, too, for an
 * hour at the most: while Redis is away, or late under a burst, the limits hold for each replica rather than for all of
 * them together.
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
    const own = createOwnMemory({ ...limits, duration: inOwnMemoryS(windowS) });
    const shared = new RateLimiterRedis({
      ...limits,
      storeClient: redis,
      rejectIfRedisNotReady: true,
      // A key that has used up its window is refused here, without asking Redis again.
      inMemoryBlockOnConsumed: points + 1,
    });

    /** What Redis says, or undefined while it says nothing. */
    async function ifThere<Answer>(ask: Promise<Answer>): Promise<Answer | undefined> {
      try {
        return await ask;
      } catch (error) {
        if (error instanceof RateLimiterRes) throw error;
        return undefined;
      }
    }

    return {
      async peek(key) {
        const [mine, all] = await Promise.all([own.get(key), ifThere(shared.get(key))]);
        return (all === undefined ? mine : all)?.consumedPoints ?? 0;
      },
      async count(key) {
        const [mine, all] = await Promise.all([own.penalty(key), ifThere(shared.penalty(key))]);
        return (all ?? mine).consumedPoints;
      },
      async consume(key, { points: cost = 1, windowS: thisWindowS = windowS } = {}) {
        try {
          await own.consume(key, cost, { customDuration: inOwnMemoryS(thisWindowS) });
          await ifThere(shared.consume(key, cost, { customDuration: thisWindowS }));
        } catch (error) {
          if (!(error instanceof RateLimiterRes)) throw error;
          refused.inc({ budget: name });
          throw rateLimited(Math.ceil(error.msBeforeNext / 1_000));
        }
      },
      async renew(key) {
        await Promise.all([own.set(key, 1, inOwnMemoryS(windowS)), ifThere(shared.set(key, 1, windowS))]);
      },
      async reset(key) {
        await Promise.all([own.delete(key), ifThere(shared.delete(key))]);
      },
    };
  };
}

/** The package's limiter in memory, which forgets the keys that were not used for longest when there are too many. */
function createOwnMemory(limits: { keyPrefix: string; points: number; duration: number }) {
  const memory = new RateLimiterMemory(limits);
  const keys = new LRUCache<string, true>({
    max: OWN_KEYS_MAX,
    dispose: (_used, key) => void memory.delete(key),
  });
  return {
    get: (key: string) => memory.get(key),
    penalty(key: string) {
      keys.set(key, true);
      return memory.penalty(key);
    },
    consume(key: string, points: number, options: { customDuration: number }) {
      keys.set(key, true);
      return memory.consume(key, points, options);
    },
    set(key: string, points: number, durationS: number) {
      keys.set(key, true);
      return memory.set(key, points, durationS);
    },
    /** The key's removal from the list removes it from the memory. */
    delete: (key: string) => void keys.delete(key),
  };
}

const inOwnMemoryS = (windowS: number) => Math.min(windowS, OWN_WINDOW_S_MAX);

export type CreateRateLimiter = ReturnType<typeof createRateLimiters>;
