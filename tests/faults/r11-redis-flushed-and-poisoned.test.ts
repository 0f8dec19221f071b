import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { faultTest } from '../support/fault-test.ts';
import type { Fault } from '../support/faults.ts';
import { isServed } from '../support/history.ts';
import { connectTo } from '../support/invariants.ts';

const FLUSH_EVERY_MS = 100;

/** Calls a function with a connection to Redis again and again, for as long as the fault lasts. */
function repeatedly(name: string, change: (redis: Redis) => Promise<unknown>): Fault {
  let ended: boolean;
  let changing: Promise<void>;

  async function keepChanging(redis: Redis): Promise<void> {
    while (!ended) {
      await change(redis);
      await delay(FLUSH_EVERY_MS);
    }
    await redis.flushall();
    redis.disconnect();
  }

  return {
    name,
    begin({ system }) {
      ended = false;
      changing = keepChanging(new Redis(system.redisUrl));
    },
    async end() {
      ended = true;
      await changing;
    },
  };
}

const POISON = ['not an entry', '9|9999999999999|{"availableSeats":0,"totalSeats":0}', '9|9999999999999|[]', ''];

/** Replaces each entry of the cache by a wrong text, or by a list, which Redis refuses to read as a text. */
async function poison(redis: Redis): Promise<void> {
  for (const [index, key] of (await redis.keys('event:*')).entries()) {
    await redis.del(key);
    const text = POISON[index % (POISON.length + 1)];
    await (text === undefined ? redis.rpush(key, 'x') : redis.set(key, text));
  }
}

faultTest('R11: an emptied or poisoned Redis decides nothing about seats', {
  faults: [repeatedly('Redis flushed', (redis) => redis.flushall()), repeatedly('Redis poisoned', poison)],
  lasts: { quickMs: 3_000, fullMs: 10_000 },
  check(episodes) {
    const failed = episodes.flatMap(({ during }) => during.filter((entry) => !isServed(entry)));
    expect(failed, 'R11: every request is served').toEqual([]);
  },
  control: {
    without: 'correct seats in the database',
    fails: /G1: confirmed, held and free seats add up/,
    async sabotage({ system }) {
      const database = await connectTo(system.databaseUrls.booking);
      await database.query('UPDATE inventories SET available_seats = available_seats - 1 WHERE available_seats > 1000');
      await database.end();
    },
  },
});
