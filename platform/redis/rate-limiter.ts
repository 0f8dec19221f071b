import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { Counter, type Registry } from 'prom-client';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from '../errors/errors.ts';
import type { Logger } from '../process/logger.ts';
import { createOutageLog } from '../process/outage-log.ts';
import { createLeases } from './leases.ts';

/** The maximum time for which a process keeps a key in its own memory. */
const OWN_WINDOW_S_MAX = 3_600;
/** The maximum number of keys in a limiter's own memory. Each takes about 650 bytes, all of them about 32 MB. */
export const OWN_KEYS_MAX = 50_000;

export type CreateRateLimiter = ReturnType<typeof createRateLimiters>;
export type RateLimiter = ReturnType<CreateRateLimiter>;

/**
 * Returns a function that creates limiters of `points` in `windowS` seconds for each key, for all replicas together.
 * `consume` takes the points of large budgets from Redis in leases, see createLeases. Every process also counts in its
 * own memory, for at most an hour. While Redis is down or too slow, the limits therefore hold for each replica on its
 * own.
 */
export function createRateLimiters({ redis, logger, metrics }: { redis: Redis; logger: Logger; metrics: Registry }) {
  const refused = new Counter({
    name: 'rate_limited_total',
    help: 'Requests that were refused because a budget was used up, by budget.',
    labelNames: ['budget'] as const,
    registers: [metrics],
  });
  const fallbacks = new Counter({
    name: 'rate_limit_fallbacks_total',
    help: 'Requests that only this process counted because Redis did not answer, by budget.',
    labelNames: ['budget'] as const,
    registers: [metrics],
  });
  const outageLog = createOutageLog({
    logger,
    began: 'Redis does not count rate limits; each process counts on its own',
    over: 'Redis counts rate limits again',
  });

  return ({ name, points, windowS }: { name: string; points: number; windowS: number }) => {
    const limits = { keyPrefix: `limit:${name}`, points, duration: windowS };
    const own = createOwnMemory({ ...limits, duration: inOwnMemoryS(windowS) });
    const shared = new RateLimiterRedis({
      ...limits,
      storeClient: redis,
      rejectIfRedisNotReady: true,
    });
    const leases = createLeases({
      points,
      keysMax: OWN_KEYS_MAX,
      takeShared: (key, taken, customDuration) => shared.penalty(key, taken, { customDuration }),
    });

    function refuse(msLeft: number): never {
      refused.inc({ budget: name });
      throw rateLimited(Math.ceil(msLeft / 1_000));
    }

    /** Returns the answer of Redis, or undefined if it fails to answer. */
    async function ifThere<Answer>(answering: Promise<Answer>): Promise<Answer | undefined> {
      try {
        const answer = await answering;
        outageLog.succeeded();
        return answer;
      } catch (error) {
        outageLog.failed({ err: error });
        fallbacks.inc({ budget: name });
        return undefined;
      }
    }

    return {
      /** Returns the points in the key's window. */
      async peek(key: string): Promise<number> {
        const [mine, all] = await Promise.all([own.get(key), ifThere(shared.get(key))]);
        return (all === undefined ? mine : all)?.consumedPoints ?? 0;
      },
      /** Adds one point and returns the points in the key's window, including this one. */
      async count(key: string): Promise<number> {
        const [mine, all] = await Promise.all([own.penalty(key), ifThere(shared.penalty(key))]);
        return (all ?? mine).consumedPoints;
      },
      /**
       * Adds `points` to the key's window, by default 1.
       * @param windowS the length in seconds of a new window, by default the length that the limiter was created with
       * @throws RATE_LIMITED, with the seconds until the window ends, when the limit is exceeded
       */
      async consume(key: string, { points: cost = 1, windowS: thisWindowS = windowS } = {}): Promise<void> {
        try {
          await own.consume(key, cost, { customDuration: inOwnMemoryS(thisWindowS) });
        } catch (refusal) {
          if (refusal instanceof RateLimiterRes) refuse(refusal.msBeforeNext);
          throw refusal;
        }
        const msLeft = await ifThere(leases.draw(key, { cost, windowS: thisWindowS }));
        if (msLeft !== undefined) refuse(msLeft);
      },
      /** Starts a new window for the key, with one point. */
      async renew(key: string): Promise<void> {
        leases.end(key);
        await Promise.all([own.set(key, 1, inOwnMemoryS(windowS)), ifThere(shared.set(key, 1, windowS))]);
      },
      /** Removes all points of the key. */
      async reset(key: string): Promise<void> {
        leases.end(key);
        await Promise.all([own.delete(key), ifThere(shared.delete(key))]);
      },
    };
  };
}

/** Creates the package's in-memory limiter with at most OWN_KEYS_MAX keys. The least recently used ones are removed. */
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
    /** Removing the key from the list also removes it from the memory, through dispose. */
    delete: (key: string) => void keys.delete(key),
  };
}

const inOwnMemoryS = (windowS: number) => Math.min(windowS, OWN_WINDOW_S_MAX);
