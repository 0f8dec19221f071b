import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { type Buyer, signInMany } from '../support/buyers.ts';
import { createEvent, signUp } from '../support/client.ts';
import { actAtRandom, askAny } from '../support/crowd.ts';
import { connectTo, expectAllNotified, expectNothingPending, expectSeatsAddUp } from '../support/invariants.ts';
import { expectKnownStored, nothingKnown } from '../support/known.ts';
import { IS_FULL_RUN, promise, SEED } from '../support/promise.ts';
import { createRandom, oneOf } from '../support/random.ts';
import { reconcile } from '../support/reconcile.ts';
import { expectSalesRules } from '../support/sales-rules.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';
import { errorsLogged } from '../support/visitors.ts';

const USERS = 200;
const [SEATS, LIMIT] = [80, 4] as const;
const [HOLD_S, OFFER_S] = [2, 3] as const;
const LASTS_MS = IS_FULL_RUN ? 60_000 : 15_000;
const SALE_STARTS_AFTER_MS = 2_000;
const KILL_EVERY_MS = 2_000;
const SOON = { timeout: 60_000, interval: 100 };
const SET_CAPACITY = `mutation Set($input: SetEventCapacityInput!) {
  setEventCapacity(input: $input) { ... on SetEventCapacityPayload { event { totalSeats } } ... on DomainError { code } }
}`;
const REFUSALS = ['SOLD_OUT', 'SALES_NOT_STARTED', 'SALES_ENDED', 'USER_LIMIT_REACHED', 'HOLD_EXPIRED'];

describe(`R1 with all features (TEST_SEED=${SEED})`, () => {
  let system: TestSystem;
  let database: Connection;
  let users: Buyer[];
  let urls: string[];

  beforeAll(async () => {
    system = await startTestSystem({ env: { HOLD_TTL_SECONDS: `${HOLD_S}`, WAITLIST_HOLD_TTL_SECONDS: `${OFFER_S}` } });
    urls = [system.urls.booking, await system.startReplica('booking'), await system.startReplica('booking')];
    database = await connectTo(system.databaseUrls.booking);
    users = await signInMany(USERS, system.secrets);
  });
  afterAll(async () => {
    await database?.end();
    await system?.stop();
  });

  promise(
    'R1: no rule is broken and no answer is forgotten while users do everything at three processes that are killed in turn',
    { without: 'the limit for each user', fails: /R1: no user has more seats of an event than its limit/ },
    async (isControl) => {
      const random = createRandom(SEED);
      const olga = await signUp(system.graphqlUrl);
      const organizer = { userId: olga.userId, authorization: `Bearer ${olga.accessToken}` };
      const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
      const sale = {
        totalSeats: SEATS,
        maxSeatsPerUser: isControl ? null : LIMIT,
        salesStartAt: inMs(SALE_STARTS_AFTER_MS),
      };
      const open = await createEvent(olga, sale);
      const ending = await createEvent(olga, { ...sale, salesEndAt: inMs(0.7 * LASTS_MS) });
      const known = nothingKnown();
      const { ask, unansweredCount } = askAny(urls, { proof: system.secrets.subgraphs.booking, random });
      const setCapacity = async (eventId: string, totalSeats: number) => {
        const input = { eventId, totalSeats };
        const { data } = await ask(organizer, (client) => client.send(SET_CAPACITY, { input }));
        if (data.setEventCapacity.code === undefined) known.capacities.set(eventId, totalSeats);
        else known.refusals.add(data.setEventCapacity.code);
      };
      const overAtMs = performance.now() + LASTS_MS;
      const isOver = () => performance.now() > overAtMs;
      const repeat = async (everyMs: number, work: () => Promise<void>) => {
        for (await delay(everyMs); !isOver(); await delay(everyMs)) await work();
      };

      await Promise.all([
        ...users.map((user, index) => {
          const own = { random: createRandom(SEED + index), holdMs: HOLD_S * 1_000, eventIds: [open, ending] };
          return actAtRandom(user, { ...own, organizer, known, ask, isOver });
        }),
        repeat(500, () => setCapacity(oneOf([open, ending], random), SEATS + Math.floor(40 * (random() - 0.5)))),
        repeat(KILL_EVERY_MS, async () => {
          const index = Math.floor(random() * urls.length);
          system.kill(urls[index] as string);
          urls[index] = await system.startReplica('booking');
        }),
      ]);
      if (isControl) await database.query('UPDATE inventories SET max_seats_per_user = ?', [LIMIT]);
      await vi.waitFor(() => expectSalesRules(database), { ...SOON, timeout: 5_000 });
      await expectSeatsAddUp(database);
      // Everybody in line gets an offer now. Nobody takes it, so all holds end.
      await setCapacity(open, USERS * LIMIT);
      await vi.waitFor(async () => {
        expect(await database.query("SELECT id FROM holds WHERE status = 'HELD'")).toEqual([]);
        expect(await database.query("SELECT id FROM waitlist_entries WHERE status = 'WAITING'")).toEqual([]);
      }, SOON);

      await expectSalesRules(database);
      await expectSeatsAddUp(database);
      await expectKnownStored(database, known);
      await expectAllNotified(system);
      await expectNothingPending(system);
      expect(await reconcile(system)).toMatchObject({ stdout: expect.stringContaining('are consistent') });
      expect(errorsLogged(system), 'no process logs an error').toEqual([]);
      // Otherwise the run would have proved less than it says.
      expect([...known.refusals]).toEqual(expect.arrayContaining(REFUSALS));
      expect(unansweredCount()).toBeGreaterThan(0);
      for (const one of [known.bookings, known.holds, known.entries, known.checkIns])
        expect(one.size).toBeGreaterThan(0);
    },
  );
});
