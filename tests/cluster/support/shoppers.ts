import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { expect, vi } from 'vitest';
import { KEEP_ALIVE_MS } from '#platform/clients/graphql-client.ts';
import { type Buyer, signInMany } from '../../support/buyers.ts';
import { createEvent, signUp } from '../../support/client.ts';
import { eachOfMany } from '../../support/random.ts';
import type { TestSystem } from '../../support/system.ts';

const SEATS = 1_000_000;
const BUYERS = 50;
const ANSWER_MS_MAX = 15_000;
const AT_ONCE = 16;
const WARM_UP = 100;
const SOON = { timeout: 60_000, interval: 100 };
const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) { ... on CreateBookingPayload { booking { id } } ... on DomainError { code } }
}`;
/** A page that needs every subgraph. */
const PAGE = `query Page($id: ID!) {
  event(id: $id) { name availableSeats organizer { name } }
  bookings(first: 2) { nodes { id } }
  notifications(first: 2) { nodes { status } }
}`;

/** A request and its answer. Times are on the clock of performance.now(). */
export interface Attempt {
  readonly kind: 'book' | 'read';
  readonly buyer: Buyer;
  readonly variables: object;
  readonly sentAtMs: number;
  answeredAtMs: number;
  /** The id of the booking, or an empty text for a page. Undefined if the answer is not complete. */
  result: string | undefined;
  /** The reason why the answer is not complete. */
  failure: unknown;
}

type Request = Pick<Attempt, 'kind' | 'buyer' | 'variables'>;

/** Users who send requests at a fixed rate, whatever the answers are. */
export interface Shoppers {
  readonly eventId: string;
  readonly attempts: readonly Attempt[];
  /** Returns the incomplete answers to the requests that were sent at or after a time. The default is the end of the warm-up. */
  failedSince(sinceMs?: number): string[];
  /** Describes the answers, and how long after a fault the last incomplete one was sent and the first complete one came. */
  summary(faultAtMs: number): string;
  /** Waits until `count` more bookings are confirmed. */
  booked(count: number): Promise<void>;
  /**
   * Stops sending, and repeats each booking without an answer, with its key, until it has one. Returns the ids of all
   * bookings. Each key must have exactly one.
   */
  leave(): Promise<string[]>;
}

/**
 * Sends bookings of one seat and pages, in turn, to the address of a gateway. Resolves when the processes are warm:
 * during their first requests, a busy machine can exceed the time limits.
 */
export async function inviteShoppers(system: TestSystem, { perSecond = 60 } = {}): Promise<Shoppers> {
  const eventId = await createEvent(await signUp(system.graphqlUrl), { totalSeats: SEATS });
  const buyers = await signInMany(BUYERS, system.secrets);
  const { origin } = new URL(system.graphqlUrl);
  // Like a well-configured ingress: idle connections end before a stopping gateway closes them.
  const pool = new Pool(origin, {
    connections: 512,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });
  const attempts: Attempt[] = [];
  const answers: Promise<void>[] = [];
  let isOver = false;

  /** Sends a request. Returns its result, see Attempt. @throws the reason when the answer is not complete */
  async function request({ kind, buyer, variables }: Request): Promise<string> {
    const { statusCode, body } = await pool.request({
      path: '/graphql',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: buyer.authorization },
      body: JSON.stringify({ query: kind === 'book' ? BOOK : PAGE, variables }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const text = await body.text();
    const { data, errors } = JSON.parse(text);
    const result = kind === 'read' ? '' : data?.createBooking.booking?.id;
    if (statusCode !== 200 || errors !== undefined || result === undefined)
      throw new Error(`HTTP ${statusCode}: ${text}`);
    return result;
  }

  async function attempt(one: Request): Promise<void> {
    const record: Attempt = {
      ...one,
      sentAtMs: performance.now(),
      answeredAtMs: Infinity,
      result: undefined,
      failure: undefined,
    };
    attempts.push(record);
    try {
      record.result = await request(one);
    } catch (error) {
      record.failure = error;
    }
    record.answeredAtMs = performance.now();
  }

  const schedule = (async () => {
    const startMs = performance.now();
    for (let index = 0; !isOver; index += 1) {
      const buyer = buyers[index % BUYERS] as Buyer;
      const input = { eventId, seatCount: 1, idempotencyKey: randomUUID() };
      answers.push(
        attempt(
          index % 2 === 0
            ? { kind: 'book', buyer, variables: { input } }
            : { kind: 'read', buyer, variables: { id: eventId } },
        ),
      );
      const dueMs = startMs + ((index + 1) * 1_000) / perSecond;
      await delay(Math.max(0, dueMs - performance.now()));
    }
  })();
  const booked = () =>
    attempts.flatMap(({ kind, result }) => (kind === 'book' && result !== undefined ? [result] : []));

  await vi.waitFor(() => expect(booked().length).toBeGreaterThan(WARM_UP), SOON);
  const warmAtMs = performance.now();
  return {
    eventId,
    attempts,
    failedSince: (sinceMs = warmAtMs) =>
      attempts
        .filter(({ failure, sentAtMs }) => failure !== undefined && sentAtMs >= sinceMs)
        .map(({ kind, failure, sentAtMs }) => `${kind}, ${Math.round(sentAtMs - sinceMs)} ms: ${failure}`),
    summary(faultAtMs) {
      const failed = attempts.filter(({ failure }) => failure !== undefined);
      const lastMs = Math.max(0, ...failed.map(({ sentAtMs }) => sentAtMs - faultAtMs));
      const since = attempts.filter(
        ({ kind, failure, sentAtMs }) => kind === 'book' && failure === undefined && sentAtMs >= faultAtMs,
      );
      const firstMs = Math.min(...since.map(({ answeredAtMs }) => answeredAtMs - faultAtMs));
      const reasons = Object.entries(Object.groupBy(failed, ({ failure }) => String(failure).slice(0, 160)));
      return (
        `${attempts.length} requests, ${failed.length} incomplete answers, the last sent ${Math.round(lastMs)} ms after the fault; ` +
        `first booking after ${Math.round(firstMs)} ms; ${reasons.map(([reason, all = []]) => `${all.length} x ${reason}`).join('; ')}`
      );
    },
    async booked(count) {
      const before = booked().length;
      await vi.waitFor(() => expect(booked().length).toBeGreaterThan(before + count), SOON);
    },
    async leave() {
      isOver = true;
      await schedule;
      await Promise.all(answers);
      const unknown = attempts.filter(({ kind, result }) => kind === 'book' && result === undefined);
      const found = await eachOfMany(unknown, AT_ONCE, (one) => vi.waitFor(() => request(one), SOON));
      await pool.close();
      return [...booked(), ...found];
    },
  };
}
