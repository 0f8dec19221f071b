import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { Redis } from 'ioredis';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../process/logger.ts';
import { redisDebug } from './debug.ts';
import { CHANGES_CHANNEL } from './near-values.ts';
import { createRedis, isTimeout } from './redis.ts';

/** A text in Redis, and whether it is within its TTL. */
export interface Entry {
  readonly text: string;
  readonly isFresh: boolean;
}

const BREAKER = { failures: 3, halfOpenAfterMs: 1_000 };
const TTL_JITTER = 0.1;

/**
 * An entry is "version|fresh until (ms)|text". An entry without a text only blocks older versions, and its key is sent
 * to the processes that keep near values. The script writes nothing when the key holds a newer version.
 */
const PUT_SCRIPT = `
local held = redis.call('GET', KEYS[1])
local version = held and tonumber(string.match(held, '^%d+'))
if version and version > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
if ARGV[2] == '0|' then redis.call('PUBLISH', '${CHANGES_CHANNEL}', KEYS[1]) end
return 1`;

interface EntryRedis extends Redis {
  putVersion(key: string, version: number, entry: string, ttlMs: number): Promise<number>;
}

/**
 * Texts by key in Redis, each with an increasing version. Each is fresh for `ttlS` seconds or up to a tenth less, so
 * that many entries do not expire together. Redis keeps it for further `graceS` seconds. While Redis is slow or
 * unavailable, all keys are missing.
 */
export function createVersionedEntries({
  url,
  tlsCa,
  ttlS,
  graceS,
  logger,
  metrics,
}: {
  url: string;
  tlsCa?: string | undefined;
  ttlS: number;
  graceS: number;
  logger: Logger;
  metrics: Registry;
}) {
  const redis = createRedis({ url, tlsCa, name: 'cache', logger }) as EntryRedis;
  redis.defineCommand('putVersion', { lua: PUT_SCRIPT, numberOfKeys: 1 });
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: BREAKER.halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(BREAKER.failures),
  });
  breaker.onBreak(() => logger.warn('the cache does not answer; reads go to the database'));
  breaker.onReset(() => logger.info('the cache answers again'));

  const errors = new Counter({
    name: 'cache_errors_total',
    help: 'Commands to the cache without a result: timeout, error, or skipped because the last ones had failed.',
    labelNames: ['reason'] as const,
    registers: [metrics],
  });
  for (const reason of ['timeout', 'error', 'skipped']) errors.inc({ reason }, 0);

  async function run<Result>(command: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await breaker.execute(command);
    } catch (error) {
      const reason = error instanceof BrokenCircuitError ? 'skipped' : isTimeout(error) ? 'timeout' : 'error';
      errors.inc({ reason });
      logger.debug({ err: error }, 'cache command failed');
      return undefined;
    }
  }

  return {
    /** Returns the entries that exist, by key. */
    async getMany(keys: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
      const values = (await run(() => redis.mget([...keys]))) ?? [];
      const entries = new Map<string, Entry>();
      for (const [index, key] of keys.entries()) {
        const [, freshUntilMs, text] = /^\d+\|(\d+)\|(.*)$/s.exec(values[index] ?? '') ?? [];
        if (text) entries.set(key, { text, isFresh: Number(freshUntilMs) > Date.now() });
      }
      return entries;
    },
    /** Stores a text, unless the key holds a newer version. */
    async put(key: string, version: number, text: string): Promise<void> {
      const freshMs = ttlS * 1_000 * (1 - Math.random() * TTL_JITTER);
      const entry = `${Math.round(Date.now() + freshMs)}|${text}`;
      await run(() => redis.putVersion(key, version, entry, Math.round(freshMs + graceS * 1_000)));
    },
    /** Deletes the text, and from then on refuses texts of older versions. */
    async invalidate(key: string, version: number): Promise<void> {
      await run(() => redis.putVersion(key, version, '0|', Math.ceil((ttlS + graceS) * 1_000)));
    },
    isHealthy: () => redis.status === 'ready',
    redis: redisDebug(redis),
    stop: async () => redis.disconnect(),
  };
}
