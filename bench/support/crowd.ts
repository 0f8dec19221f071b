import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import type { Buyer } from '#tests/support/buyers.ts';
import { arrivalTimesMs } from '../load/arrivals.ts';

const CONNECTIONS = 6_000;
const ANSWER_TIMEOUT_MS = 30_000;
/** As the typed client does: five attempts, after the time that the server asks for and a random one that doubles. */
const ATTEMPTS_MAX = 5;
const BACKOFF_MS = 200;

const CREATE_BOOKING = `mutation CreateBooking($input: CreateBookingInput!) {
  createBooking(input: $input) {
    __typename
    ... on DomainError { code }
    ... on QueuedError { place comeBackAt }
  }
}`;

type Answer =
  | { readonly kind: 'booked' }
  | { readonly kind: 'queued'; readonly place: string; readonly comeBackAtMs: number }
  | { readonly kind: 'unavailable' };

/** What happened to one caller. Times are in ms from the beginning of the run. */
export interface Caller {
  readonly cameAtMs: number;
  /** When they sent the call that was decided. Undefined if they gave up. */
  readonly passedAtMs: number | undefined;
  /** When they had their seat. Undefined if they gave up. */
  readonly servedAtMs: number | undefined;
  /** How many answers of each kind they got. */
  readonly answers: Readonly<Record<Answer['kind'], number>>;
}

/** The callers of several booking processes, each in turn. They speak to them as the gateway does. */
export function createCrowd(urls: readonly string[], proof: string) {
  const pools = urls.map((url) => new Pool(url, { connections: CONNECTIONS, pipelining: 1 }));
  let next = 0;

  async function ask({ authorization }: Buyer, input: object): Promise<Answer> {
    const pool = pools[next++ % pools.length] as Pool;
    const { body } = await pool.request({
      path: '/graphql',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization, [GATEWAY_PROOF_HEADER]: proof },
      body: JSON.stringify({ query: CREATE_BOOKING, variables: { input } }),
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    });
    const { data, errors } = (await body.json()) as {
      data?: { createBooking: { __typename: string; code?: string; place?: string; comeBackAt?: string } } | null;
      errors?: { extensions: { code: string } }[];
    };
    const { __typename, place, comeBackAt = '' } = data?.createBooking ?? {};
    if (__typename === 'CreateBookingPayload') return { kind: 'booked' };
    if (place !== undefined) return { kind: 'queued', place, comeBackAtMs: Date.parse(comeBackAt) };
    if (errors?.[0]?.extensions.code === 'SERVICE_UNAVAILABLE') return { kind: 'unavailable' };
    throw new Error(`unexpected answer: ${JSON.stringify({ data, errors })}`);
  }

  async function call(buyer: Buyer, eventId: string, nowMs: () => number): Promise<Caller> {
    const cameAtMs = nowMs();
    const input = { eventId, seatCount: 1, idempotencyKey: randomUUID() };
    const answers = { booked: 0, queued: 0, unavailable: 0 };
    let place: string | undefined;
    for (;;) {
      const passedAtMs = nowMs();
      const answer = await ask(buyer, { ...input, ...(place && { place }) });
      answers[answer.kind] += 1;
      if (answer.kind === 'booked') return { cameAtMs, passedAtMs, servedAtMs: nowMs(), answers };
      if (answer.kind === 'queued') {
        place = answer.place;
        await delay(Math.max(1, answer.comeBackAtMs - Date.now()));
      } else {
        if (answers.unavailable === ATTEMPTS_MAX)
          return { cameAtMs, passedAtMs: undefined, servedAtMs: undefined, answers };
        await delay(1_000 + Math.random() * BACKOFF_MS * 2 ** (answers.unavailable - 1));
      }
    }
  }

  return {
    /** Books with a fixed number of requests at a time. Returns the bookings per second after the warm-up. */
    async saturate(
      buyers: readonly Buyer[],
      eventId: string,
      { atOnce, warmUpMs, lastsMs }: { atOnce: number; warmUpMs: number; lastsMs: number },
    ): Promise<number> {
      const beginMs = performance.now() + warmUpMs;
      const endMs = beginMs + lastsMs;
      let booked = 0;
      const work = async (index: number) => {
        const buyer = buyers[index % buyers.length] as Buyer;
        while (performance.now() < endMs) {
          await ask(buyer, { eventId, seatCount: 1, idempotencyKey: randomUUID() });
          if (performance.now() > beginMs && performance.now() < endMs) booked += 1;
        }
      };
      await Promise.all(Array.from({ length: atOnce }, (_, index) => work(index)));
      return booked / (lastsMs / 1_000);
    },
    /** Each buyer comes on schedule, whatever the answers to others are, and calls until they have a seat or give up. */
    async come(buyers: readonly Buyer[], eventId: string, ratePerS: number): Promise<Caller[]> {
      const beganAtMs = performance.now();
      const nowMs = () => performance.now() - beganAtMs;
      const times = arrivalTimesMs(buyers.length, { ratePerS, arrivals: 'poisson' });
      return Promise.all(
        buyers.map(async (buyer, index) => {
          await delay(Math.max(1, (times[index] as number) - nowMs()));
          return call(buyer, eventId, nowMs);
        }),
      );
    },
    /** The sum of a metric over all processes. */
    async metric(name: string): Promise<number> {
      const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
      const values = texts.map((text) => Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(text)?.[1]));
      return values.reduce((sum, value) => sum + value, 0);
    },
    close: () => Promise.all(pools.map((pool) => pool.destroy())),
  };
}

/** The part of the callers who reached an event after somebody who had come at least `laterMs` after them. */
export function overtakenShare(callers: readonly Caller[], at: 'passedAtMs' | 'servedAtMs', laterMs: number): number {
  const inOrder = callers.toSorted((one, other) => one.cameAtMs - other.cameAtMs);
  const timeOf = (caller: Caller) => caller[at] ?? Number.POSITIVE_INFINITY;
  /** The earliest time of the callers from this index on. */
  const earliest = inOrder.map(timeOf);
  for (let index = earliest.length - 2; index >= 0; index -= 1) {
    earliest[index] = Math.min(earliest[index] as number, earliest[index + 1] as number);
  }
  let later = 0;
  const overtaken = inOrder.filter((caller) => {
    while (later < inOrder.length && (inOrder[later] as Caller).cameAtMs < caller.cameAtMs + laterMs) later += 1;
    return (earliest[later] ?? Number.POSITIVE_INFINITY) < timeOf(caller);
  });
  return overtaken.length / callers.length;
}
