import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { unavailable } from '#platform/errors/errors.ts';
import { createRedis } from '#platform/redis/redis.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { createLogLines } from '#tests/support/log-lines.ts';
import type { Queued } from '../domain/line.ts';
import { createLines } from '../store/lines.ts';
import { bookRequest } from '../testing.ts';
import { type Admission, createAdmission } from './admission.ts';
import type { Allocator } from './allocator.ts';
import { createPlaces } from './places.ts';

const WAITING_MAX = 40;
const BATCH = 10;
const BATCH_MS = 50;
const SOON = { timeout: 10_000 };

/** An allocator that decides BATCH requests in BATCH_MS, in order, and notes the users. */
function slowAllocator(decided: string[], seats: { left: number }) {
  const queue: (() => void)[] = [];
  const timer = setInterval(() => {
    for (const decide of queue.splice(0, BATCH)) decide();
  }, BATCH_MS);
  const submit = (request: { userId: string }) =>
    new Promise((resolve, reject) => {
      if (queue.length >= 10 * WAITING_MAX) return reject(unavailable());
      queue.push(() => {
        decided.push(request.userId);
        seats.left -= 1;
        resolve(seats.left >= 0 ? { outcome: 'booked', replayed: false } : { outcome: 'sold-out', availableSeats: 0 });
      });
    });
  return { allocator: { submit } as unknown as Allocator, stop: () => clearInterval(timer) };
}

describe('the admission of several processes', () => {
  const stops: (() => unknown)[] = [];
  let proxy: Awaited<ReturnType<typeof createProxy>>;
  let decided: string[];
  let seats: { left: number };
  let eventId: string;
  beforeEach(async () => {
    proxy = await createProxy(`${inject('servers').redisUrl}`);
    decided = [];
    seats = { left: 1_000_000 };
    eventId = randomUUID();
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    proxy.close();
  });

  async function startProcess() {
    const { logger, lines: log } = createLogLines();
    const metrics = new Registry();
    const redis = createRedis({ url: `${proxy.url}/1023`, name: 'test', commandTimeoutMs: 500, logger });
    stops.push(() => redis.disconnect());
    await expect.poll(() => redis.status).toBe('ready');
    const { allocator, stop } = slowAllocator(decided, seats);
    stops.push(stop);
    const admission = createAdmission({
      allocator,
      lines: createLines(redis, { lifeS: 60 }),
      places: createPlaces(['a secret of this test'], { lifeS: 60 }),
      waitingMax: WAITING_MAX,
      logger,
      metrics,
    });
    stops.push(() => admission.stop());
    // Its first tick is over.
    await redis.ping();
    await delay(10);
    const metric = async (name: string) =>
      Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics.metrics())?.[1] ?? Number.NaN);
    return { admission, redis, log, metric };
  }
  const request = (userId: string) => bookRequest({ eventId, userId });

  /** Calls until there is a decision. Returns the places that the user got. */
  async function come(admission: Admission, userId: string) {
    const wanted = request(userId);
    const answers: Queued[] = [];
    for (;;) {
      const outcome = await admission.submit(wanted, answers.at(-1)?.place);
      if (outcome.outcome !== 'queued') return { outcome, answers };
      answers.push(outcome);
      await delay(outcome.comeBackAt.getTime() - Date.now());
    }
  }

  /** Waits until the event has a line in the process. Its first callers wait in the allocator. */
  async function fill(admission: Admission) {
    const first = Array.from({ length: WAITING_MAX }, (_, index) => admission.submit(request(`early-${index}`)));
    await delay(0);
    return first;
  }

  it('everybody is served, about in the order of their places, by both processes', async () => {
    const [one, other] = [await startProcess(), await startProcess()];
    await Promise.all([fill(one.admission), fill(other.admission)].map(async (first) => void (await first)));
    const users = Array.from({ length: 400 }, (_, index) => `user-${String(index).padStart(3, '0')}`);
    const results = await Promise.all(
      users.map((userId, index) => come((index % 2 === 0 ? one : other).admission, userId)),
    );
    expect(results.every(({ outcome }) => outcome.outcome === 'booked')).toBe(true);
    expect(results.every(({ answers }) => answers.length > 0)).toBe(true);
    const served = decided.filter((userId) => userId.startsWith('user-'));
    expect(served).toHaveLength(users.length);
    // The order of the places is that of Redis. A caller who comes back a little late, by one tick, loses little.
    const moved = served.map((userId, index) => Math.abs(users.indexOf(userId) - index));
    const perS = (2 * BATCH * 1_000) / BATCH_MS;
    expect(Math.max(...moved)).toBeLessThan(perS);
    expect(await one.metric('admission_queued_total')).toBeGreaterThan(100);
    expect(await one.metric('admission_admitted_total')).toBeGreaterThan(100);
    await expect.poll(() => other.metric('admission_line_length'), SOON).toBe(0);
  });

  it('newcomers queue while others wait, and are decided directly when the line has closed', async () => {
    const { admission, redis } = await startProcess();
    const first = await fill(admission);
    const queued = await admission.submit(request('ada'));
    expect(queued).toMatchObject({ outcome: 'queued', position: 0 });
    await Promise.all(first);
    await expect.poll(() => redis.scard('lines'), SOON).toBe(0);
    await delay(300);
    expect(await admission.submit(request('bob'))).toMatchObject({ outcome: 'booked' });
    expect(await admission.submit(request('ada'), (queued as Queued).place)).toMatchObject({ outcome: 'booked' });
  });

  it('a forged or foreign place counts as none: its user keeps the own one', async () => {
    const { admission } = await startProcess();
    const first = await fill(admission);
    const ada = (await admission.submit(request('ada'))) as Queued;
    const bob = (await admission.submit(request('bob'))) as Queued;
    for (const place of [ada.place, `${'A'.repeat(38)}`, 'x']) {
      expect(await admission.submit(request('bob'), place)).toMatchObject({ position: bob.position });
    }
    expect([ada.position, bob.position]).toEqual([0, 1]);
    await Promise.all(first);
  });

  it('a sold-out event lets everybody through at once, to the refusal', async () => {
    const { admission, metric } = await startProcess();
    seats.left = WAITING_MAX / 2;
    const first = await fill(admission);
    const queued = await Promise.all(
      Array.from({ length: 300 }, (_, index) => admission.submit(request(`user-${index}`))),
    );
    expect(queued.at(-1)).toMatchObject({ outcome: 'queued', position: 299 });
    await Promise.all(first);
    await expect.poll(() => metric('admission_line_length'), { timeout: 1_500 }).toBe(0);
    const { place } = queued.at(-1) as Queued;
    expect(await admission.submit(request('user-299'), place)).toMatchObject({ outcome: 'sold-out' });
  });

  it.each(['down', 'hung'])(
    'a Redis that is %s lets everybody through, and the line goes on afterwards',
    async (fault) => {
      const { admission, log, metric } = await startProcess();
      const first = await fill(admission);
      const ada = (await admission.submit(request('ada'))) as Queued;
      if (fault === 'down') proxy.cut();
      else proxy.hang();
      await delay(900);
      const startedAtMs = performance.now();
      const through = [admission.submit(request('bob')), admission.submit(request('ada'), ada.place)];
      expect(await Promise.all(through)).toMatchObject([{ outcome: 'booked' }, { outcome: 'booked' }]);
      expect(performance.now() - startedAtMs).toBeLessThan(2_000);
      await Promise.all(first);
      const more = await fill(admission);
      expect(await admission.submit(request('cleo'))).toMatchObject({ outcome: 'booked' });
      expect(await metric('admission_fallbacks_total')).toBeGreaterThan(0);
      expect(log.filter(({ msg }) => String(msg).startsWith('Redis does not keep the lines')).length).toBeGreaterThan(
        0,
      );
      await Promise.all(more);
      proxy.restore();
      await expect
        .poll(async () => {
          const again = await fill(admission);
          const { outcome } = await admission.submit(request('dora'));
          await Promise.all(again);
          return outcome;
        }, SOON)
        .toBe('queued');
    },
  );
});
