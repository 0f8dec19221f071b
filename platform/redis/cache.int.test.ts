import { Redis } from 'ioredis';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createProxy } from '../testing/proxy.ts';
import { type Cache, createCache, NEAR_MS_MAX } from './cache.ts';

interface Thing {
  id: string;
  version: number;
  text: string;
}

describe('the cache in front of a source', () => {
  const table = new Map<string, Thing>();
  const load = vi.fn(async (ids: readonly string[]) =>
    ids.map((id) => table.get(id)).filter((one) => one !== undefined),
  );
  const caches: Cache<Thing>[] = [];
  let redis: Redis;

  beforeAll(() => {
    redis = new Redis(inject('servers').redisUrl);
  });
  afterEach(async () => {
    load.mockClear();
    for (const cache of caches.splice(0)) await cache.stop();
  });
  afterAll(() => redis.disconnect());

  async function start({
    url = inject('servers').redisUrl,
    ttlS = 60,
    graceS = 60,
    connected = true,
    metrics = new Registry(),
  } = {}) {
    const source = {
      name: 'thing',
      load,
      idOf: ({ id }: Thing) => id,
      versionOf: ({ version }: Thing) => version,
      serialize: JSON.stringify,
      parse: (text: string) => JSON.parse(text) as Thing,
    };
    const logger = pino({ level: 'silent' });
    const cache = createCache({ url, ttlS, graceS, source, logger, metrics });
    caches.push(cache);
    if (connected) await vi.waitFor(() => expect(cache.isHealthy()).toBe(true));
    return cache;
  }

  function make(text = 'first'): Thing {
    const thing = { id: newId(), version: 1, text };
    table.set(thing.id, thing);
    return thing;
  }

  /** Makes the next load wait until it is released. It then returns this thing, even if the table has changed. */
  function holdNextLoad(thing: Thing): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    load.mockImplementationOnce(() => promise.then(() => [thing]));
    return resolve;
  }

  const read = async (cache: Cache<Thing>, id: string) => (await cache.getMany([id])).get(id);

  it('reads a value from the source once, then from Redis', async () => {
    const cache = await start();
    const thing = make();
    expect(await read(cache, thing.id)).toEqual({ value: thing, cached: false });
    expect(await read(cache, thing.id)).toEqual({ value: thing, cached: true });
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('reads a value from the source once for many callers at the same time', async () => {
    const cache = await start();
    const { id } = make();
    await Promise.all(Array.from({ length: 20 }, () => read(cache, id)));
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('returns nothing for a value that does not exist, and asks the source again the next time', async () => {
    const cache = await start();
    const id = newId();
    expect(await read(cache, id)).toBeUndefined();
    table.set(id, { id, version: 1, text: 'late' });
    expect(await read(cache, id)).toMatchObject({ cached: false });
  });

  it('serves the new version after an invalidation, in another process too', async () => {
    const [one, other] = [await start(), await start()];
    const thing = make();
    await read(one, thing.id);
    const changed = { ...thing, version: 2, text: 'second' };
    table.set(thing.id, changed);
    await other.invalidate(thing.id, 2);
    expect(await read(other, thing.id)).toEqual({ value: changed, cached: false });
    // The other process hears of the change a moment later.
    await vi.waitFor(async () => expect(await read(one, thing.id)).toEqual({ value: changed, cached: true }), {
      timeout: NEAR_MS_MAX - 100,
      interval: 1,
    });
  });

  /** Waits until the process keeps a value in its memory: it is then served although Redis does not hold it. */
  const untilKept = (cache: Cache<Thing>, { id }: Thing) =>
    vi.waitFor(async () => {
      await read(cache, id);
      await vi.waitUntil(() => redis.del(`thing:${id}`));
      expect(await read(cache, id)).toMatchObject({ cached: true });
    });

  it('keeps a value in the memory of the process for a second, without a request to Redis', async () => {
    const cache = await start();
    const thing = make();
    await untilKept(cache, thing);
    const readAtMs = performance.now();
    await vi.waitFor(async () => expect(await read(cache, thing.id)).toEqual({ value: thing, cached: false }), 3_000);
    expect(performance.now() - readAtMs).toBeLessThan(NEAR_MS_MAX + 1_000);
  });

  it('keeps no value in the memory of the process while the process cannot hear of changes', async () => {
    const proxy = await createProxy(inject('servers').redisUrl);
    const cache = await start({ url: proxy.url });
    const thing = make();
    await untilKept(cache, thing);
    proxy.cut();
    await vi.waitFor(async () => expect(await read(cache, thing.id)).toEqual({ value: thing, cached: false }), {
      timeout: NEAR_MS_MAX - 100,
      interval: 1,
    });
    expect(await read(cache, thing.id)).toEqual({ value: thing, cached: false });
    proxy.close();
  });

  it('does not store the older version of a slow reader after an invalidation', async () => {
    const [slow, quick] = [await start(), await start()];
    const thing = make();
    const release = holdNextLoad(thing);
    const slowRead = read(slow, thing.id);
    await vi.waitFor(() => expect(load).toHaveBeenCalled());
    const changed = { ...thing, version: 2, text: 'second' };
    table.set(thing.id, changed);
    await quick.invalidate(thing.id, 2);
    release();
    await slowRead;
    await vi.waitFor(async () => expect(await redis.get(`thing:${thing.id}`)).toMatch(/^2\|/));
    expect(await read(quick, thing.id)).toEqual({ value: changed, cached: false });
    expect((await read(slow, thing.id))?.value).toEqual(changed);
  });

  it('does not let a read after an invalidation join a load that began before it', async () => {
    const cache = await start();
    const thing = make();
    const release = holdNextLoad(thing);
    const before = read(cache, thing.id);
    await vi.waitFor(() => expect(load).toHaveBeenCalled());
    const changed = { ...thing, version: 2, text: 'second' };
    table.set(thing.id, changed);
    await cache.invalidate(thing.id, 2);
    expect((await read(cache, thing.id))?.value).toEqual(changed);
    release();
    expect((await before)?.value).toEqual(thing);
  });

  it('reads from the source when Redis is down', async () => {
    const cache = await start({ url: 'redis://127.0.0.1:1', connected: false });
    const thing = make();
    expect(await read(cache, thing.id)).toEqual({ value: thing, cached: false });
    expect(await read(cache, thing.id)).toEqual({ value: thing, cached: false });
    expect(cache.isHealthy()).toBe(false);
  });

  it('counts the commands that Redis did not answer, and those that were skipped because of that', async () => {
    const proxy = await createProxy(inject('servers').redisUrl);
    const metrics = new Registry();
    const cache = await start({ url: proxy.url, metrics });
    proxy.hang();
    for (let index = 0; index < 10; index += 1) await read(cache, make().id);
    const text = await metrics.metrics();
    const counted = (reason: string) =>
      Number(new RegExp(`cache_errors_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1]);
    proxy.close();
    expect(counted('timeout')).toBeGreaterThanOrEqual(3);
    expect(counted('skipped')).toBeGreaterThanOrEqual(7);
  });

  it.each(['nonsense', '1|9999999999999|not json'])('reads from the source when Redis holds %s', async (text) => {
    const cache = await start();
    const thing = make();
    await redis.set(`thing:${thing.id}`, text);
    expect(await read(cache, thing.id)).toEqual({ value: thing, cached: false });
  });

  it('serves a stale value only while the source fails, and fails for a value that is not cached', async () => {
    const cache = await start({ ttlS: 0.001 });
    const thing = make();
    await read(cache, thing.id);
    await vi.waitFor(async () => expect(await redis.exists(`thing:${thing.id}`)).toBe(1));
    // The value may still be fresh for up to a millisecond.
    await vi.waitFor(async () => expect(await read(cache, thing.id)).toMatchObject({ cached: false }));
    load.mockRejectedValue(new Error('the source is down'));
    expect(await read(cache, thing.id)).toEqual({ value: thing, cached: true });
    await expect(read(cache, newId())).rejects.toThrow('the source is down');
    load.mockReset();
  });
});
