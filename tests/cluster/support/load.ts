import { expect, vi } from 'vitest';
import { signInMany } from '../../support/buyers.ts';
import { createEvent, signUp } from '../../support/client.ts';
import { registerAll } from '../../support/fault-test.ts';
import { createHistory, type History, isOpen, isServed } from '../../support/history.ts';
import { expectInvariants } from '../../support/invariants.ts';
import { startOpenLoop } from '../../support/open-loop.ts';
import { SEED } from '../../support/promise.ts';
import type { TestSystem } from '../../support/system.ts';

/** The seats of the first event, for which every second buyer asks, and of the others. */
const SEATS = [150, 1_000_000, 1_000_000];
const BUYERS = 40;
const RATE_PER_S = 50;
const WARM_UP = 100;
const SOON = { timeout: 90_000, interval: 50 };

/** A load on a cluster. Times are on the clock of its history, in milliseconds. */
export interface ClusterLoad {
  readonly history: History;
  /** An event that does not sell out. */
  readonly eventId: string;
  /** Describes the requests that left at or after a time and were not served. The default is the end of the warm-up. */
  notServedSince(sinceMs?: number): string[];
  /** Waits until `count` more requests are served. */
  served(count: number): Promise<void>;
  /** Stops the load, repeats all mutations without an answer, and checks G1 to G6. Returns the figures of the load. */
  settle(faultAtMs: number): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts a load at the address of the gateways. Resolves when the processes are warm: during their first requests, a
 * busy machine can exceed the time limits.
 */
export async function startLoad(system: TestSystem): Promise<ClusterLoad> {
  const history = createHistory(SEED);
  const organizer = await signUp(system.graphqlUrl);
  const eventIds = await Promise.all(SEATS.map((totalSeats) => createEvent(organizer, { totalSeats })));
  const buyers = await signInMany(BUYERS, system.secrets);
  await registerAll({ system }, buyers);
  const load = startOpenLoop({ graphqlUrl: system.graphqlUrl, history, ratePerS: RATE_PER_S, buyers, eventIds });
  const countServed = () => history.entries.filter(isServed).length;
  async function served(count: number): Promise<void> {
    const before = countServed();
    await vi.waitFor(() => expect(countServed()).toBeGreaterThan(before + count), SOON);
  }
  await served(WARM_UP);
  const warmAtMs = history.nowMs();

  function summary(faultAtMs: number): string {
    const after = history.entries.filter(({ leftMs }) => leftMs >= faultAtMs);
    const failed = after.filter((entry) => !isServed(entry));
    const lastMs = Math.max(0, ...failed.map(({ leftMs }) => leftMs - faultAtMs));
    const bookings = history.entries.filter(({ answer }) => answer.outcome === 'booked');
    const firstMs = Math.min(
      ...bookings.filter((one) => one.leftMs >= faultAtMs).map(({ leftMs, tookMs }) => leftMs + tookMs - faultAtMs),
    );
    const outcomes = Object.entries(
      Object.groupBy(history.entries, ({ answer }) => ('code' in answer ? answer.code : answer.outcome)),
    );
    return [
      `seed ${history.seed}`,
      `${history.entries.length} requests`,
      ...outcomes.map(([outcome, all = []]) => `${all.length} ${outcome}`),
      `${history.entries.filter(isOpen).length} open outcomes resolved`,
      `${failed.length} requests not served after the fault`,
      `the last of them left after ${Math.round(lastMs)} ms`,
      `the first booking came after ${Math.round(firstMs)} ms`,
    ].join('; ');
  }

  return {
    history,
    eventId: eventIds.at(-1) ?? '',
    notServedSince: (sinceMs = warmAtMs) =>
      history.entries
        .filter((entry) => entry.leftMs >= sinceMs && !isServed(entry))
        .map(
          ({ kind, leftMs, answer }) => `${kind} after ${Math.round(leftMs - sinceMs)} ms: ${JSON.stringify(answer)}`,
        ),
    served,
    async settle(faultAtMs) {
      await load.stop();
      await load.resolve();
      const refusals = history.entries.flatMap(({ answer }) => (answer.outcome === 'refused' ? [answer.code] : []));
      expect([...new Set(refusals)], 'only the first event is sold out').toEqual(['SOLD_OUT']);
      await expectInvariants(system, history);
      await load.repeat();
      return summary(faultAtMs);
    },
    async close() {
      await load.stop();
      await load.close();
    },
  };
}
