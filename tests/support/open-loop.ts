import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { Buyer } from './buyers.ts';
import { createGatewayClient } from './gateway-client.ts';
import { asFinal, type Entry, type Final, finalOf, type History, isOpen, isServed, type Request } from './history.ts';
import { createRandom, eachOfMany, oneOf } from './random.ts';

const RESOLVED_WITHIN_MS = 60_000;
const RESOLVED_AT_ONCE = 100;
/** What is served in the first part is not counted, because the requests have not spread over the batches yet. */
const SATURATION = { atOnce: 600, warmUpMs: 6_000, lastsMs: 12_000 };
/** The number of acknowledged bookings that are sent again in the end. */
const REPEATED_MAX = 100;
/** The parts of the requests that cancel a booking and that read a page. The others book. */
const CANCELS = 0.1;
const PAGES = 0.35;
/** Every second booking is for the first event, which sells out. */
const SCARCE = 0.5;

/**
 * A load whose requests leave on schedule, whatever the answers are (Schroeder et al., "Open Versus Closed", NSDI 2006).
 * The time between two requests is exponentially distributed. The history's seed determines the requests.
 */
export interface OpenLoop {
  ratePerS(): number;
  /** Changes the rate, and the kind of all requests if one is given. */
  setRate(perS: number, kind?: Request['kind']): void;
  /** Books with a fixed number of concurrent requests for a while. Returns how many requests are served per second. */
  saturate(): Promise<number>;
  /** Stops sending, and waits for the answers that are still missing. */
  stop(): Promise<void>;
  /** Repeats every mutation whose outcome is open, with the same key, until its answer is final. */
  resolve(): Promise<void>;
  /** Sends some acknowledged bookings again, with their keys. Each must get the same answer as before. */
  repeat(): Promise<void>;
  close(): Promise<void>;
}

export function startOpenLoop({
  graphqlUrl,
  history,
  ratePerS: usualPerS,
  buyers,
  eventIds,
}: {
  graphqlUrl: string;
  history: History;
  ratePerS: number;
  buyers: readonly Buyer[];
  eventIds: readonly string[];
}): OpenLoop {
  const client = createGatewayClient(graphqlUrl);
  const random = createRandom(history.seed);
  const underWay = new Set<Promise<unknown>>();
  const over = new AbortController();
  let planned = 0;
  let ratePerS = usualPerS;
  let onlyKind: Request['kind'] | undefined;

  function plan(only?: Request['kind']): Request {
    const [kindDraw, eventDraw] = [random(), random()];
    const eventId = eventDraw < SCARCE ? (eventIds[0] ?? '') : oneOf(eventIds, random);
    const request = { buyer: oneOf(buyers, random), eventId, seatCount: 1 + Math.floor(random() * 4) };
    // Keys have at least 8 characters. The seed can be short.
    const key = `request-${history.seed}-${planned++}`;
    if (only !== undefined) return { ...request, key, kind: only };
    if (kindDraw < CANCELS) {
      const booked = oneOf(
        history.entries.filter(({ answer }) => answer.outcome === 'booked'),
        random,
      );
      if (booked?.answer.outcome === 'booked') return { ...booked, kind: 'cancel', key: booked.answer.bookingId };
    }
    return { ...request, key, kind: kindDraw < CANCELS + PAGES ? 'page' : 'book' };
  }

  async function send({ kind, buyer, eventId, seatCount, key }: Request, dueMs: number): Promise<Entry> {
    const leftMs = history.nowMs();
    const request = { kind, buyer, eventId, seatCount, key };
    const answer = await client.send(request);
    const entry = { ...request, dueMs, leftMs, tookMs: history.nowMs() - leftMs, answer };
    history.add(entry);
    return entry;
  }

  async function depart(): Promise<void> {
    let dueMs = history.nowMs();
    for (;;) {
      dueMs += (-Math.log(1 - random()) * 1_000) / ratePerS;
      const waitMs = dueMs - history.nowMs();
      if (waitMs > 0) await delay(waitMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      const sent = send(plan(onlyKind), dueMs).finally(() => underWay.delete(sent));
      underWay.add(sent);
    }
  }
  const departing = depart();

  /** Sends a mutation until its answer is final. */
  const finish = (entry: Entry): Promise<Final> =>
    vi.waitFor(
      async () => {
        const final = asFinal(await client.send(entry));
        expect(final, `G4: ${entry.kind} ${entry.key} gets a final answer`).toBeDefined();
        return final as Final;
      },
      { timeout: RESOLVED_WITHIN_MS, interval: 250 },
    );

  return {
    ratePerS: () => ratePerS,
    setRate(perS, kind) {
      [ratePerS, onlyKind] = [perS, kind];
    },
    async saturate() {
      const beginMs = history.nowMs() + SATURATION.warmUpMs;
      const endMs = beginMs + SATURATION.lastsMs;
      let served = 0;
      const work = async () => {
        while (history.nowMs() < endMs) {
          const entry = await send(plan('book'), history.nowMs());
          if (isServed(entry) && history.nowMs() > beginMs && history.nowMs() < endMs) served += 1;
        }
      };
      await Promise.all(Array.from({ length: SATURATION.atOnce }, work));
      return served / (SATURATION.lastsMs / 1_000);
    },
    async stop() {
      over.abort();
      await departing;
      await Promise.all(underWay);
    },
    async resolve() {
      await eachOfMany(history.entries.filter(isOpen), RESOLVED_AT_ONCE, async (entry) => {
        entry.resolved = await finish(entry);
      });
    },
    async repeat() {
      const booked = history.entries.filter((entry) => finalOf(entry)?.outcome === 'booked');
      const wasOpen = booked.filter(({ resolved }) => resolved !== undefined);
      const others = Array.from({ length: Math.min(REPEATED_MAX, booked.length) }, () => oneOf(booked, random));
      await eachOfMany([...wasOpen, ...others], RESOLVED_AT_ONCE, async (entry) => {
        const again = await finish(entry);
        expect(again, `G4: the repeated key ${entry.key} gets its first booking`).toEqual({
          ...finalOf(entry),
          replayed: true,
        });
      });
    },
    close: client.close,
  };
}
