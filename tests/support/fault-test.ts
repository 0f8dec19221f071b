import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { signInMany } from './buyers.ts';
import { createEvent, signUp } from './client.ts';
import type { Fault } from './faults.ts';
import { createHistory, type Entry, type History, isOpen, isServed } from './history.ts';
import { connectTo, expectInvariants } from './invariants.ts';
import { type OpenLoop, startOpenLoop } from './open-loop.ts';
import { type Control, IS_FULL_RUN, promise, SEED } from './promise.ts';
import { type Rig, type RigOptions, type Scene, startRig } from './rig.ts';
import { startTimesOf } from './system.ts';
import { errorsLogged } from './visitors.ts';

const RATE_PER_S = 20;
const BUYERS = 40;
/** The seats of the first event, for which every second buyer asks, and of the others. */
const SEATS = [150, 100_000, 100_000, 100_000] as const;
const BASELINE_MS = 2_000;
/** After a fault, this many requests in a row must be served. */
const SERVED_IN_A_ROW = 20;
const WAIT_MS = 60_000;

/** What happened before and during one fault, and until all requests were served again. */
export interface Episode {
  readonly fault: string;
  /** The requests that left before the first fault, and those that left during this one. */
  readonly before: readonly Entry[];
  readonly during: readonly Entry[];
  /** The time from the end of the fault to the last departure of a request that was not served. */
  readonly recoveryMs: number;
  /** The time from the end of the fault until all messages of earlier bookings were published. */
  readonly caughtUpMs: number;
}

interface FaultTestSettings {
  readonly faults: readonly Fault[];
  /** How long each fault lasts: in `npm test`, and in `npm run test:faults`. */
  readonly lasts?: { readonly quickMs: number; readonly fullMs: number };
  /** How the system is started. */
  readonly start?: RigOptions;
  /** Does something before the load begins. */
  prepare?(rig: Rig): Promise<void> | void;
  /** Changes something during each fault, like an organizer. */
  during?(scene: Scene, fault: Fault): Promise<void>;
  /** Checks the row's own promise. The invariants G1 to G6 are checked in any case. */
  check?(episodes: readonly Episode[], scene: Scene): Promise<void> | void;
  /** Replaces settings, or breaks something after the load and before the checks. */
  readonly control: Control & Partial<Omit<FaultTestSettings, 'control'>> & { sabotage?(scene: Scene): Promise<void> };
}

/** A time limit of pages that a busy machine keeps. Otherwise it would look like a fault. */
export const PATIENCE = { SUBGRAPH_QUERY_TIMEOUT_MS: '8000' };

/** Settings without the guards that end slow requests. */
export const NO_TIME_LIMITS = {
  OPERATION_TIMEOUT_MS: '60000',
  SUBGRAPH_TIMEOUT_MS: '59000',
  SUBGRAPH_QUERY_TIMEOUT_MS: '59000',
  BOOKING_QUEUE_TIMEOUT_MS: '60000',
};

/**
 * A fault test: an open-loop load runs against the whole system, the faults happen one after another, and then the
 * guarantees G1 to G6 and the row's own promise are checked. The file of the history is kept when they do not hold.
 */
export function faultTest(title: string, settings: FaultTestSettings): void {
  const { control, ...plain } = settings;
  const timeoutMs = 240_000 + settings.faults.length * ((settings.lasts?.fullMs ?? 0) + WAIT_MS);
  promise(`${title} (TEST_SEED=${SEED})`, { ...control, timeoutMs }, (isControl) =>
    run(title, isControl ? { ...plain, ...control } : plain),
  );
}

type Run = Omit<FaultTestSettings, 'control'> & { sabotage?(scene: Scene): Promise<void> };

async function run(title: string, { start = {}, prepare, ...settings }: Run): Promise<void> {
  const rig = await startRig({ ...start, env: { ...PATIENCE, ...start.env } });
  const history = createHistory(SEED);
  let load: OpenLoop | undefined;
  try {
    const { system } = rig;
    await prepare?.(rig);
    const organizer = await signUp(system.graphqlUrl);
    const eventIds = await Promise.all(SEATS.map((totalSeats) => createEvent(organizer, { totalSeats })));
    const buyers = await signInMany(BUYERS, system.secrets);
    await registerAll(rig, buyers);
    const startTimes = await startTimesOf(system);
    load = startOpenLoop({ graphqlUrl: system.graphqlUrl, history, ratePerS: RATE_PER_S, buyers, eventIds });
    const scene = { ...rig, history, load, eventIds };
    const episodes = await suffer(scene, settings);
    await load.stop();
    await load.resolve();
    await settings.sabotage?.(scene);
    report(title, history, episodes);
    await expectInvariants(system, history);
    await load.repeat();
    const errors = errorsLogged(system);
    expect(errors, `no service logs an error: ${JSON.stringify(errors)}`).toEqual([]);
    await settings.check?.(episodes, scene);
    if (!settings.faults.some(({ restarts }) => restarts)) {
      expect(await startTimesOf(system), 'no service was restarted').toEqual(startTimes);
    }
  } catch (error) {
    const file = history.save(title.split(':')[0] ?? title);
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\nThe history is in ${file}. Run again with TEST_SEED=${SEED}.`, { cause: error });
  } finally {
    await load?.stop();
    await load?.close();
    await rig.stop();
  }
}

/** Lets the faults happen one after another. */
async function suffer(scene: Scene, { faults, lasts = { quickMs: 0, fullMs: 0 }, during }: Run): Promise<Episode[]> {
  const { history } = scene;
  const leftBetween = (fromMs: number, toMs: number) =>
    history.entries.filter(({ leftMs }) => leftMs >= fromMs && leftMs < toMs);
  await delay(BASELINE_MS);
  await untilServed(history, 0);
  const healthyMs = history.nowMs();
  const spans: { fault: string; beginMs: number; endMs: number; overMs: number; caughtUpMs: number }[] = [];
  for (const fault of faults) {
    const beginMs = history.nowMs();
    try {
      await fault.begin(scene);
      const lastsMs = fault.lastsMs ?? (IS_FULL_RUN ? lasts.fullMs : lasts.quickMs);
      await Promise.all([delay(lastsMs), during?.(scene, fault)]);
    } finally {
      await fault.end(scene);
    }
    const endMs = history.nowMs();
    const [caughtUpMs] = await Promise.all([untilPublished(scene), untilServed(history, endMs)]);
    spans.push({ fault: fault.name, beginMs, endMs, overMs: history.nowMs(), caughtUpMs });
  }
  return spans.map(({ beginMs, endMs, overMs, ...span }) => {
    const failed = leftBetween(endMs, overMs).filter((entry) => !isServed(entry));
    const recoveryMs = Math.max(0, ...failed.map(({ leftMs }) => leftMs - endMs));
    return { ...span, before: leftBetween(0, healthyMs), during: leftBetween(beginMs, endMs), recoveryMs };
  });
}

/** Waits until the latest requests that left after a time were all served. */
const untilServed = (history: History, sinceMs: number) =>
  vi.waitFor(
    () => {
      const latest = history.entries
        .filter(({ leftMs }) => leftMs >= sinceMs)
        .sort((one, other) => other.leftMs - one.leftMs)
        .slice(0, SERVED_IN_A_ROW);
      expect(latest.length, 'enough answers').toBe(SERVED_IN_A_ROW);
      const failed = latest.filter((entry) => !isServed(entry));
      expect(failed, 'all requests are served again').toEqual([]);
    },
    { timeout: WAIT_MS, interval: 100 },
  );

/** Waits until the messages that are in the outbox now are published. Returns the time that it took. */
async function untilPublished({ system }: Scene): Promise<number> {
  const beganAtMs = performance.now();
  const bookings = await connectTo(system.databaseUrls.booking);
  const waiting = (await bookings.query<{ id: string }[]>('SELECT id FROM outbox WHERE published_at IS NULL')).map(
    ({ id }) => id,
  );
  await vi.waitFor(
    async () => {
      const left = await bookings.query('SELECT id FROM outbox WHERE published_at IS NULL AND id IN (?)', [
        ['none', ...waiting],
      ]);
      expect(left, 'the messages are published').toEqual([]);
    },
    { timeout: WAIT_MS, interval: 100 },
  );
  await bookings.end();
  return performance.now() - beganAtMs;
}

/** Stores the buyers as users. They have tokens, and cannot sign in. */
export async function registerAll(
  { system }: Pick<Rig, 'system'>,
  buyers: readonly { userId: string }[],
): Promise<void> {
  const users = await connectTo(system.databaseUrls.user);
  await users.batch(
    "INSERT INTO users (id, name, email, password_hash) VALUES (?, 'Buyer', ?, '-')",
    buyers.map(({ userId }) => [userId, `${userId}@example.com`]),
  );
  await users.end();
}

/** Prints the figures of a test. */
function report(title: string, { entries }: History, episodes: readonly Episode[]): void {
  const counts = Map.groupBy(entries, ({ answer }) => answer.outcome);
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  const recoveries = episodes.map(
    ({ fault, recoveryMs, caughtUpMs }) => `${fault} ${seconds(recoveryMs)} (messages ${seconds(caughtUpMs)})`,
  );
  const figures = [
    `${entries.length} requests`,
    ...[...counts].map(([outcome, list]) => `${list.length} ${outcome}`),
    `${entries.filter(isOpen).length} open outcomes resolved by key`,
    `recovered after: ${recoveries.join(', ')}`,
  ];
  process.stdout.write(`  ${title.split(':')[0]} (seed ${SEED}): ${figures.join('; ')}\n`);
}
