import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { createRedis } from '#platform/redis/redis.ts';
import { createLogLines } from '#tests/support/log-lines.ts';
import { createLines, type Lines } from './lines.ts';

const LIFE_S = 60;
/** A database that no other test uses, because its lines are those of one system. */
const url = `${inject('servers').redisUrl}/1022`;

describe('the lines', () => {
  let redis: Redis;
  let one: Lines;
  let other: Lines;
  let eventId: string;
  const stops: (() => unknown)[] = [];

  beforeAll(async () => {
    const connect = async () => {
      const connection = createRedis({ url, name: 'test', logger: createLogLines().logger });
      stops.push(() => connection.disconnect());
      await vi.waitFor(() => expect(connection.status).toBe('ready'));
      return connection;
    };
    redis = await connect();
    one = createLines(redis, { lifeS: LIFE_S });
    other = createLines(await connect(), { lifeS: LIFE_S });
  });
  afterAll(() => {
    for (const stop of stops) stop();
  });
  beforeEach(async () => {
    await redis.flushdb();
    eventId = randomUUID();
  });

  const enter = (lines: Lines, userId: string, change: Partial<Parameters<Lines['enter']>[0]> = {}) =>
    lines.enter({ eventId, userId, key: 'a-key', number: undefined, mayOpen: true, hasRoom: false, ...change });
  const places = async (lines: Lines, ...userIds: string[]) => {
    const numbers: number[] = [];
    for (const userId of userIds) numbers.push((await enter(lines, userId))?.number ?? Number.NaN);
    return numbers;
  };

  it('are opened only by a process that is full, and seen by all', async () => {
    expect(await enter(one, 'ada', { mayOpen: false })).toBeUndefined();
    expect(await other.open()).toEqual([]);
    await enter(one, 'ada');
    expect(await other.open()).toEqual([eventId]);
    expect(await enter(other, 'bob', { mayOpen: false })).toBeDefined();
  });

  it('give numbers in order of arrival, also to callers of different processes at the same time', async () => {
    const [first = 0] = await places(one, 'first');
    const calls = Array.from({ length: 300 }, (_, index) => enter(index % 2 === 0 ? one : other, `user-${index}`));
    const numbers = (await Promise.all(calls)).map((entry) => entry?.number ?? Number.NaN);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => first + 1 + index));
    for (const half of [0, 1]) {
      const ofOne = numbers.filter((_, index) => index % 2 === half);
      expect(ofOne).toEqual(ofOne.toSorted((a, b) => a - b));
    }
  });

  it('give a user one place, whatever process, tab or key they use', async () => {
    const [ada, bob, again] = await places(one, 'ada', 'bob', 'ada');
    expect(again).toBe(ada);
    expect((await enter(other, 'ada', { key: 'another-key' }))?.number).toBe(ada);
    expect((await enter(other, 'bob', { number: bob }))?.number).toBe(bob);
  });

  it('admit in order, never more than were issued, and exactly the turns of all processes', async () => {
    const [ada = 0, bob, cleo] = await places(one, 'ada', 'bob', 'cleo');
    expect(await enter(one, 'ada')).toEqual({ number: ada, admitted: ada - 1 });
    await Promise.all([
      one.advance(eventId, { turns: 1, decided: 0, isBusy: true }),
      other.advance(eventId, { turns: 1, decided: 0, isBusy: true }),
    ]);
    expect((await enter(other, 'cleo'))?.admitted).toBe(bob);
    expect(await one.advance(eventId, { turns: 1_000, decided: 0, isBusy: true })).toEqual({
      issued: cleo,
      admitted: cleo,
      decided: 0,
    });
  });

  it('let the first one in at once when there is room, and no one else', async () => {
    const [ada, bob] = await places(one, 'ada', 'bob');
    expect((await enter(one, 'bob', { hasRoom: true }))?.admitted).toBeLessThan(ada as number);
    expect((await enter(one, 'ada', { hasRoom: true }))?.admitted).toBe(ada);
    expect((await enter(one, 'bob', { hasRoom: true }))?.admitted).toBe(bob);
    const newcomer = await enter(one, 'cleo', { hasRoom: true });
    expect(newcomer?.admitted).toBe(newcomer?.number);
  });

  it('a place that was used up counts only for its key', async () => {
    const [ada = 0] = await places(one, 'ada');
    await one.advance(eventId, { turns: 1, decided: 0, isBusy: true });
    await one.useUp({ eventId, userId: 'ada', key: 'a-key', number: ada });
    expect((await enter(one, 'ada', { number: ada }))?.number).toBe(ada);
    const next = await enter(other, 'ada', { key: 'another:key', number: ada });
    expect(next?.number).toBe(ada + 1);
    expect((await enter(other, 'ada', { key: 'another:key', number: ada }))?.number).toBe(ada + 1);
  });

  it('close when everybody was admitted and no process is busy', async () => {
    await places(one, 'ada');
    await one.advance(eventId, { turns: 0, decided: 0, isBusy: false });
    expect(await other.open()).toEqual([eventId]);
    await one.advance(eventId, { turns: 1, decided: 0, isBusy: true });
    expect(await other.advance(eventId, { turns: 0, decided: 0, isBusy: false })).toBeDefined();
    await expect
      .poll(() => other.advance(eventId, { turns: 0, decided: 0, isBusy: false }), { timeout: 5_000 })
      .toBeUndefined();
    expect(await one.open()).toEqual([]);
    expect(await enter(one, 'bob', { mayOpen: false })).toBeUndefined();
  });

  it('keep their numbers when they open again', async () => {
    const [ada = 0] = await places(one, 'ada');
    await one.advance(eventId, { turns: 1, decided: 0, isBusy: false });
    expect(await one.open()).toEqual([]);
    expect(await places(one, 'bob')).toEqual([ada + 1]);
  });

  it('admit everybody of a line that Redis has lost, before the newcomers', async () => {
    const [ada = 0, bob = 0] = await places(one, 'ada', 'bob');
    await redis.flushdb();
    expect(await one.advance(eventId, { turns: 5, decided: 0, isBusy: true })).toBeUndefined();
    const newcomer = await enter(one, 'cleo');
    expect(newcomer?.number).toBeGreaterThan(bob);
    for (const [userId, number] of Object.entries({ ada, bob })) {
      const entry = await enter(other, userId, { number, mayOpen: false });
      expect(entry?.number).toBe(number);
      expect(entry?.admitted).toBeGreaterThan(number);
    }
  });

  it('go on after a place that an older copy of Redis does not know', async () => {
    const [ada = 0] = await places(one, 'ada');
    expect((await enter(one, 'bob', { number: ada + 10 }))?.number).toBe(ada + 10);
    expect(await places(one, 'cleo')).toEqual([ada + 11]);
  });

  it('are forgotten when no process advances them', async () => {
    await places(one, 'ada');
    const ttls = async () => Promise.all([`line:${eventId}`, `line:${eventId}:users`].map((key) => redis.ttl(key)));
    for (const ttl of await ttls()) expect(ttl).toBeGreaterThan(LIFE_S - 10);
    await redis.expire(`line:${eventId}`, 5);
    await redis.expire(`line:${eventId}:users`, 5);
    await one.advance(eventId, { turns: 0, decided: 0, isBusy: true });
    for (const ttl of await ttls()) expect(ttl).toBeGreaterThan(LIFE_S - 10);
    await redis.del(`line:${eventId}`);
    expect(await one.advance(eventId, { turns: 0, decided: 0, isBusy: true })).toBeUndefined();
    expect(await one.open()).toEqual([]);
  });
});
