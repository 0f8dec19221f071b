import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createLogLines } from '#tests/support/log-lines.ts';
import { createProxy } from '../testing/proxy.ts';
import { createRateLimiters, type RateLimiter } from './rate-limiter.ts';
import { createRedis } from './redis.ts';

const POINTS = 5;

describe('a rate limiter', () => {
  let name: string;
  let proxy: Awaited<ReturnType<typeof createProxy>>;
  const stops: (() => unknown)[] = [];
  let lines: Record<string, unknown>[];
  let metrics: Registry;
  beforeEach(async () => {
    name = `test-${randomUUID()}`;
    proxy = await createProxy(inject('servers').redisUrl);
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop();
    proxy.close();
  });

  /** Starts a limiter with its own connection, as each process has one. */
  async function start(): Promise<RateLimiter> {
    const log = createLogLines();
    lines = log.lines;
    const registry = new Registry();
    metrics = registry;
    const redis = createRedis({ url: proxy.url, name, logger: log.logger });
    stops.push(() => redis.disconnect());
    await expect.poll(() => redis.status).toBe('ready');
    return createRateLimiters({ redis, logger: log.logger, metrics: registry })({ name, points: POINTS, windowS: 60 });
  }
  async function admitted(limiter: RateLimiter, count: number, key = 'ada'): Promise<number> {
    let passed = 0;
    for (let index = 0; index < count; index += 1) {
      await limiter.consume(key).then(
        () => (passed += 1),
        (error) => expect(error).toMatchObject({ extensions: { code: 'RATE_LIMITED', http: { status: 429 } } }),
      );
    }
    return passed;
  }

  it('counts for all processes together', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect((await admitted(one, 3)) + (await admitted(other, 10)) + (await admitted(one, 3))).toBe(POINTS);
    expect(await admitted(other, 1, 'grace')).toBe(1);
  });

  it('reports when the window ends', async () => {
    const limiter = await start();
    await admitted(limiter, POINTS);
    const refusal = await limiter.consume('ada').catch((error: unknown) => error);
    const { retryAfter, http } = (
      refusal as { extensions: { retryAfter: number; http: { headers: Map<string, string> } } }
    ).extensions;
    expect(retryAfter).toBeGreaterThan(50);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(http.headers.get('retry-after')).toBe(String(retryAfter));
  });

  it.each([
    ['is down', () => proxy.cut()],
    ['hangs', () => void proxy.stopAt({ from: 'client', isReached: () => true })],
  ])('counts for each process while Redis %s, and for all of them together afterwards', async (_how, fail) => {
    const [one, other] = await Promise.all([start(), start()]);
    await admitted(one, 2);
    fail();
    const during = await Promise.all([admitted(one, 10), admitted(other, 10)]);
    expect(during[0]).toBe(POINTS - 2);
    expect(during[1]).toBeLessThanOrEqual(POINTS);
    expect(await admitted(other, 1, 'grace')).toBe(1);

    proxy.restore();
    await expect
      .poll(
        async () => {
          const key = randomUUID();
          return (await admitted(one, POINTS, key)) + (await admitted(other, POINTS, key));
        },
        { timeout: 10_000 },
      )
      .toBe(POINTS);
  });

  it('counts the requests that only this process counted, and logs that once', async () => {
    const limiter = await start();
    await limiter.count('ada');
    expect(await metrics.metrics()).not.toContain('rate_limit_fallbacks_total{');
    proxy.cut();
    for (let index = 0; index < 20; index += 1) await limiter.count('ada');
    expect(await metrics.metrics()).toContain(`rate_limit_fallbacks_total{budget="${name}"} 20`);
    const warnings = lines.filter(({ level }) => level === 'warn').map(({ msg }) => String(msg));
    expect(warnings.filter((msg) => /rate limits/.test(msg))).toHaveLength(1);
  });

  it('counts, peeks and resets', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(await one.peek('ada')).toBe(0);
    expect(await one.count('ada')).toBe(1);
    expect(await other.count('ada')).toBe(2);
    expect(await one.peek('ada')).toBe(2);
    await one.reset('ada');
    expect(await one.peek('ada')).toBe(0);
  });

  it('renews a window with a count of one', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    await one.count('ada');
    await one.count('ada');
    await one.renew('ada');
    expect(await one.peek('ada')).toBe(1);
    expect(await other.peek('ada')).toBe(1);
  });

  it('resets a key for all processes', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    for (let index = 0; index < 3; index += 1) await other.count('ada');
    await one.reset('ada');
    expect(await other.peek('ada')).toBe(0);
    expect(await other.count('ada')).toBe(1);
  });

  it('consumes several points at once', async () => {
    const limiter = await start();
    await limiter.consume('ada', { points: POINTS - 1 });
    expect(await admitted(limiter, 3)).toBe(1);
  });

  it('allows a shorter window for a call', async () => {
    const limiter = await start();
    await admitted(limiter, POINTS);
    const keyed = async () =>
      limiter.consume('short', { windowS: 1 }).then(
        () => true,
        () => false,
      );
    const outcomes = [];
    for (let index = 0; index <= POINTS; index += 1) outcomes.push(await keyed());
    expect(outcomes).toEqual([...Array(POINTS).fill(true), false]);
    await expect.poll(keyed, { timeout: 5_000 }).toBe(true);
  });
});
