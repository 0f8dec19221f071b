import { Counter, type Registry } from 'prom-client';
import { runWithoutDeadline } from '../clients/deadline.ts';
import type { Logger } from '../process/logger.ts';
import { createOutageLog } from '../process/outage-log.ts';
import { createNearValues } from './near-values.ts';
import { createVersionedEntries, type Entry } from './versioned-entries.ts';

/** A value and whether it was served from the cache. */
export interface Cached<Value> {
  readonly value: Value;
  readonly cached: boolean;
}

export type Cache<Value> = ReturnType<typeof createCache<Value>>;

export interface CacheSource<Value> {
  /** Namespace of the keys. */
  readonly name: string;
  readonly load: (ids: readonly string[]) => Promise<readonly Value[]>;
  readonly idOf: (value: Value) => string;
  readonly versionOf: (value: Value) => number;
  readonly serialize: (value: Value) => string;
  readonly parse: (text: string) => Value;
}

/** The time for which a process keeps a value in its own memory, as a share of the TTL and as a maximum. */
const NEAR_SHARE = 0.1;
export const NEAR_MS_MAX = 1_000;
/** The time limit of the source when the cache has stale values. The caller of a query waits for about 2 s in all. */
export const SOURCE_TIMEOUT_MS = 1_000;

/**
 * Creates a read-through cache of versioned values by id. A value is served for at most `ttlS` seconds after its read
 * from the source. For further `graceS` seconds it is served only when the source fails. While Redis is slow or
 * unavailable, reads go to the source. A process never reads an id twice at the same time, and keeps a value in its own
 * memory for up to a second, see createNearValues.
 */
export function createCache<Value>({
  source,
  metrics,
  ...settings
}: {
  url: string;
  tlsCa?: string | undefined;
  ttlS: number;
  graceS: number;
  source: CacheSource<Value>;
  logger: Logger;
  metrics: Registry;
}) {
  const { logger, url, tlsCa, ttlS } = settings;
  const entries = createVersionedEntries({ ...settings, metrics, ttlS: ttlS * (1 - NEAR_SHARE) });
  const reads = new Counter({
    name: 'cache_reads_total',
    help: 'Values read, by how they were found.',
    labelNames: ['result'] as const,
    registers: [metrics],
  });
  const sourceLog = createOutageLog({
    logger,
    began: 'the source fails; the cache serves stale values',
    over: 'the source answers again',
  });
  const keyOf = (id: string) => `${source.name}:${id}`;
  const underWay = new Map<string, Promise<Cached<Value> | undefined>>();
  const near = createNearValues<Cached<Value>>({
    url,
    tlsCa,
    logger,
    lifeMs: Math.ceil(Math.min(NEAR_MS_MAX, ttlS * 1_000 * NEAR_SHARE)),
    onChange: forget,
  });

  /** A read that began before a change may return the older state, so later readers must not join it. */
  function forget(key: string): void {
    underWay.delete(key);
  }

  /** Returns the value of an entry, or undefined if it cannot be parsed, as after a change of its format. */
  function parse(key: string, { text }: Entry): Value | undefined {
    try {
      return source.parse(text);
    } catch (error) {
      logger.warn({ err: error, key }, 'the cache holds an entry that cannot be read');
      return undefined;
    }
  }

  /** Reads fresh entries from the cache and the rest from the source. Returns stale entries when the source fails. */
  async function read(ids: readonly string[]): Promise<ReadonlyMap<string, Cached<Value>>> {
    const found = new Map<string, Cached<Value>>();
    const stale = new Map<string, Cached<Value>>();
    const held = await entries.getMany(ids.map(keyOf));
    for (const id of ids) {
      const entry = held.get(keyOf(id));
      const value = entry && parse(keyOf(id), entry);
      if (value) (entry.isFresh ? found : stale).set(id, { value, cached: true });
    }
    reads.inc({ result: 'hit' }, found.size);
    const missing = ids.filter((id) => !found.has(id));
    if (missing.length === 0) return found;
    const isAllStale = missing.every((id) => stale.has(id));
    try {
      const loading = source.load(missing);
      for (const value of await (isAllStale ? inTime(loading) : loading)) {
        const id = source.idOf(value);
        found.set(id, { value, cached: false });
        void entries.put(keyOf(id), source.versionOf(value), source.serialize(value));
      }
      reads.inc({ result: 'miss' }, missing.length);
      sourceLog.succeeded();
      return found;
    } catch (error) {
      if (!isAllStale) throw error;
      sourceLog.failed({ err: error });
      reads.inc({ result: 'stale' }, missing.length);
      return new Map([...found, ...stale]);
    }
  }

  /** Reads ids together. If an id is being read already, its result is shared. */
  function readOnce(ids: readonly string[]): Promise<readonly (Cached<Value> | undefined)[]> {
    const wanted = ids.filter((id) => !underWay.has(keyOf(id)));
    if (wanted.length > 0) {
      // Other callers may join this read, so the deadline of the first one must not end it.
      const batch = runWithoutDeadline(() => read(wanted));
      for (const id of wanted) {
        const key = keyOf(id);
        const one = batch
          .then((found) => {
            const entry = found.get(id);
            if (entry && underWay.get(key) === one) near.put(key, { value: entry.value, cached: true });
            return entry;
          })
          .finally(() => {
            if (underWay.get(key) === one) underWay.delete(key);
          });
        underWay.set(key, one);
      }
    }
    return Promise.all(ids.map((id) => underWay.get(keyOf(id))));
  }

  return {
    /** Returns the values that exist, by id. */
    async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Cached<Value>>> {
      const found = new Map<string, Cached<Value>>();
      const others: string[] = [];
      for (const id of new Set(ids)) {
        const entry = near.get(keyOf(id));
        if (entry === undefined) others.push(id);
        else found.set(id, entry);
      }
      if (found.size > 0) reads.inc({ result: 'near' }, found.size);
      if (others.length === 0) return found;
      for (const [index, entry] of (await readOnce(others)).entries()) {
        if (entry !== undefined) found.set(others[index] as string, entry);
      }
      return found;
    },
    /**
     * Deletes every version below this one, and refuses to store such a version later, as a slow reader might try. Call
     * it after the commit.
     */
    async invalidate(id: string, version: number): Promise<void> {
      near.delete(keyOf(id));
      forget(keyOf(id));
      await entries.invalidate(keyOf(id), version);
    },
    isHealthy: entries.isHealthy,
    redis: entries.redis,
    async stop(): Promise<void> {
      near.stop();
      await entries.stop();
    },
  };
}

/** Returns the loaded values. @throws when the source takes longer than SOURCE_TIMEOUT_MS */
async function inTime<Values>(loading: Promise<Values>): Promise<Values> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${SOURCE_TIMEOUT_MS} ms`)), SOURCE_TIMEOUT_MS);
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}
