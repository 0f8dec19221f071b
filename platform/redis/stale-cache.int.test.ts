import { Redis } from 'ioredis';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { timeLeftMs } from '../clients/deadline.ts';
import { answerInTime } from '../graphql/answer-in-time.ts';
import { createCache, SOURCE_TIMEOUT_MS } from './cache.ts';

interface Thing {
  id: string;
  version: number;
}

const NAME = 'slow-thing';
const FRESH_MS = 1;
/** Timers may fire a little early, and late on a busy machine. */
const EARLY_MS = 50;
const LATE_MS = 1_000;
const HURRIED_MS = 300;
const PATIENT_MS = 10_000;

describe('the cache in front of a source that hangs', () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  /** Starts a cache and its source. While the source hangs, reads wait, and they are answered when it continues. */
  async function start() {
    let hanging = Promise.resolve();
    const load = vi.fn(async (ids: readonly string[]): Promise<Thing[]> => {
      await hanging;
      // Like the database pool, the source starts no statement after the deadline.
      timeLeftMs();
      return ids.map((id) => ({ id, version: 1 }));
    });
    const cache = createCache({
      url: inject('servers').redisUrl,
      ttlS: FRESH_MS / 1_000,
      graceS: 60,
      source: {
        name: NAME,
        load,
        idOf: ({ id }) => id,
        versionOf: ({ version }) => version,
        serialize: JSON.stringify,
        parse: (text) => JSON.parse(text) as Thing,
      },
      logger: pino({ level: 'silent' }),
      metrics: new Registry(),
    });
    stops.push(cache.stop);
    await vi.waitFor(() => expect(cache.isHealthy()).toBe(true));
    const hang = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      hanging = promise;
      load.mockClear();
      stops.push(resolve);
      return resolve;
    };
    return { cache, load, hang };
  }

  it('serves a stale value after the time limit of the source', async () => {
    const { cache, load, hang } = await start();
    const redis = new Redis(inject('servers').redisUrl);
    stops.push(() => redis.disconnect());
    const id = newId();
    await cache.getMany([id]);
    await vi.waitFor(async () => expect(await redis.exists(`${NAME}:${id}`)).toBe(1));
    const keptAtMs = Date.now();
    await vi.waitUntil(() => Date.now() > keptAtMs + FRESH_MS);

    hang();
    const startedAtMs = performance.now();
    const found = await cache.getMany([id]);
    const tookMs = performance.now() - startedAtMs;
    expect(found.get(id)).toEqual({ value: { id, version: 1 }, cached: true });
    expect(load).toHaveBeenCalledTimes(1);
    expect(tookMs).toBeGreaterThan(SOURCE_TIMEOUT_MS - EARLY_MS);
    expect(tookMs).toBeLessThan(SOURCE_TIMEOUT_MS + LATE_MS);
  });

  it('refuses a value that is not cached at the deadline of the caller, and serves it to a caller with a later deadline', async () => {
    const { cache, load, hang } = await start();
    const id = newId();
    const read = vi.fn(async () => ({
      status: 200,
      headers: {},
      text: JSON.stringify({ data: [...(await cache.getMany([id])).values()] }),
    }));
    const answer = answerInTime(read);
    const ask = async (timeLeftMs: number) => {
      const { text } = await answer({
        http: { method: 'POST', headers: {}, url: '/graphql', body: { query: '{ things }' } },
        authorization: undefined,
        requestId: 'r-1',
        clientAddress: '127.0.0.1',
        timeLeftMs,
        callerSignal: new AbortController().signal,
      });
      return JSON.parse(text);
    };

    const goOn = hang();
    const startedAtMs = performance.now();
    const hurried = ask(HURRIED_MS);
    await vi.waitFor(() => expect(load).toHaveBeenCalled());
    const patient = ask(PATIENT_MS);
    expect(await hurried).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    expect(performance.now() - startedAtMs).toBeLessThan(HURRIED_MS + LATE_MS);
    await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(2));
    goOn();
    expect(await patient).toEqual({ data: [{ value: { id, version: 1 }, cached: false }] });
    expect(load).toHaveBeenCalledTimes(1);
  });
});
