import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { Redis } from 'ioredis';
import { Counter, type Registry } from 'prom-client';
import { runWithoutDeadline } from '../clients/deadline.ts';
import type { Logger } from '../process/logger.ts';
import { createRedis } from './redis.ts';

/** A value and whether it was served from the cache. */
export interface Cached<Value> {
  readonly value: Value;
  readonly cached: boolean;
}

/** A read-through cache of versioned values by id. It may be slow, empty or gone; reads go on without it. */
export interface Cache<Value> {
  /** The values that exist, by id. */
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Cached<Value>>>;
  /** Forgets every version below this one, also those a slow reader is about to write back. Call it after the commit. */
  invalidate(id: string, version: number): Promise<void>;
  isHealthy(): boolean;
  stop(): Promise<void>;
}

export interface CacheSource<Value> {
  /** Namespace of the keys. */
  readonly name: string;
  readonly load: (ids: readonly string[]) => Promise<readonly Value[]>;
  readonly idOf: (value: Value) => string;
  readonly versionOf: (value: Value) => number;
  readonly serialize: (value: Value) => string;
  readonly parse: (text: string) => Value;
}

const BREAKER = { failures: 3, halfOpenAfterMs: 1_000 };
const TTL_JITTER = 0.1;
/** How long the source may take where the cache holds older values. A reader of a query waits for some 2 s in all. */
export const SOURCE_TIMEOUT_MS = 1_000;

/**
 * An entry is "version|fresh until (ms)|value"; without a value it only holds the version, and refuses older ones.
 * Writes nothing when the key holds a newer version.
 */
const PUT_SCRIPT = `
local held = redis.call('GET', KEYS[1])
local version = held and tonumber(string.match(held, '^%d+'))
if version and version > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
return 1`;

interface CacheRedis extends Redis {
  putVersion(key: string, version: number, entry: string, ttlMs: number): Promise<number>;
}

/**
 * A value is fresh for `ttlS` seconds, less up to a tenth, so that a crowd of entries does not expire at once. For
 * `graceS` seconds more it is served only when the source fails. One read at a time per id and process.
 */
export function createCache<Value>({
  url,
  tlsCa,
  ttlS,
  graceS,
  source,
  logger,
  metrics,
}: {
  url: string;
  tlsCa?: string | undefined;
  ttlS: number;
  graceS: number;
  source: CacheSource<Value>;
  logger: Logger;
  metrics: Registry;
}): Cache<Value> {
  const redis = createRedis({ url, tlsCa, name: 'cache', logger }) as CacheRedis;
  redis.defineCommand('putVersion', { lua: PUT_SCRIPT, numberOfKeys: 1 });
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: BREAKER.halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(BREAKER.failures),
  });
  breaker.onBreak(() => logger.warn('the cache does not answer; reads go to the database'));
  breaker.onReset(() => logger.info('the cache answers again'));
  const reads = new Counter({
    name: 'cache_reads_total',
    help: 'Values read, by how they were found.',
    labelNames: ['result'] as const,
    registers: [metrics],
  });

  const keyOf = (id: string) => `${source.name}:${id}`;
  const underWay = new Map<string, Promise<Cached<Value> | undefined>>();

  async function tryCache<Result>(command: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await breaker.execute(command);
    } catch (error) {
      logger.debug({ err: error }, 'cache command failed');
      return undefined;
    }
  }

  async function readEntries(ids: readonly string[]): Promise<Map<string, { value: Value; fresh: boolean }>> {
    const texts = (await tryCache(() => redis.mget(ids.map(keyOf)))) ?? [];
    const entries = new Map<string, { value: Value; fresh: boolean }>();
    for (const [index, id] of ids.entries()) {
      const [, freshUntilMs, text] = /^\d+\|(\d+)\|(.*)$/s.exec(texts[index] ?? '') ?? [];
      const value = text && parseEntry(id, text);
      if (value) entries.set(id, { value, fresh: Number(freshUntilMs) > Date.now() });
    }
    return entries;
  }

  /** An entry that cannot be read, as after a change of its form, is as good as none. */
  function parseEntry(id: string, text: string): Value | undefined {
    try {
      return source.parse(text);
    } catch (error) {
      logger.warn({ err: error, key: keyOf(id) }, 'the cache holds an entry that cannot be read');
      return undefined;
    }
  }

  async function put(value: Value): Promise<void> {
    const freshMs = ttlS * 1_000 * (1 - Math.random() * TTL_JITTER);
    const entry = `${Math.round(Date.now() + freshMs)}|${source.serialize(value)}`;
    const ttlMs = Math.round(freshMs + graceS * 1_000);
    await tryCache(() => redis.putVersion(keyOf(source.idOf(value)), source.versionOf(value), entry, ttlMs));
  }

  /** From the cache where it is fresh, else from the source, else from the cache where it is not. */
  async function read(ids: readonly string[]): Promise<ReadonlyMap<string, Cached<Value>>> {
    const entries = await readEntries(ids);
    const found = new Map<string, Cached<Value>>();
    for (const [id, { value, fresh }] of entries) if (fresh) found.set(id, { value, cached: true });
    reads.inc({ result: 'hit' }, found.size);
    const missing = ids.filter((id) => !found.has(id));
    if (missing.length === 0) return found;
    const hasStale = missing.every((id) => entries.has(id));
    try {
      const loading = source.load(missing);
      for (const value of await (hasStale ? inTime(loading) : loading)) {
        found.set(source.idOf(value), { value, cached: false });
        void put(value);
      }
      reads.inc({ result: 'miss' }, missing.length);
    } catch (error) {
      if (!hasStale) throw error;
      logger.warn({ err: error }, 'the source fails; serving what the cache still holds');
      for (const [id, { value, fresh }] of entries) if (!fresh) found.set(id, { value, cached: true });
      reads.inc({ result: 'stale' }, missing.length);
    }
    return found;
  }

  /** Reads ids together; each is under way at most once. */
  function readOnce(ids: readonly string[]): Promise<readonly (Cached<Value> | undefined)[]> {
    const wanted = ids.filter((id) => !underWay.has(id));
    if (wanted.length > 0) {
      // Others join this read: it does not end with the first reader's deadline.
      const batch = runWithoutDeadline(() => read(wanted));
      for (const id of wanted) {
        const one = batch
          .then((found) => found.get(id))
          .finally(() => {
            if (underWay.get(id) === one) underWay.delete(id);
          });
        underWay.set(id, one);
      }
    }
    return Promise.all(ids.map((id) => underWay.get(id)));
  }

  return {
    async getMany(ids) {
      const unique = [...new Set(ids)];
      const values = await readOnce(unique);
      return new Map(unique.flatMap((id, index) => (values[index] === undefined ? [] : [[id, values[index]]])));
    },
    async invalidate(id, version) {
      // A read that began before the commit may bring the older state: later readers must not join it.
      underWay.delete(id);
      await tryCache(() => redis.putVersion(keyOf(id), version, '0|', (ttlS + graceS) * 1_000));
    },
    isHealthy: () => redis.status === 'ready',
    stop: async () => redis.disconnect(),
  };
}

/** @throws when the source takes longer than it may */
async function inTime<Values>(loading: Promise<Values>): Promise<Values> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${SOURCE_TIMEOUT_MS} ms`)), SOURCE_TIMEOUT_MS);
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}
