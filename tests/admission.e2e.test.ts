import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '#client/client.ts';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { root } from '#scripts/local/settings.ts';
import { type Buyer, signInMany } from './support/buyers.ts';
import { type Client, createEvent, holdSeats, signUp } from './support/client.ts';
import { connectTo, expectSeatsAddUp } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const WAITING_MAX = 8;
const DEMO_TIMEOUT_MS = 60_000;
const SOON = { timeout: 15_000, interval: 50 };
const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) {
    ... on CreateBookingPayload { replayed booking { id } }
    ... on DomainError { code }
    ... on QueuedError { place position comeBackAt }
  }
}`;

interface Result {
  readonly code?: string;
  readonly booking?: { readonly id: string };
  readonly replayed?: boolean;
  readonly place: string;
  readonly position: number;
  readonly comeBackAt: string;
}

describe('the line of an event, at two booking processes', () => {
  let system: TestSystem;
  let urls: [string, string];
  let olga: Client;
  let buyers: Buyer[];
  /** They come first, and fill the processes. */
  let crowd: Buyer[];

  beforeAll(async () => {
    system = await startTestSystem({
      env: { ADMISSION_WAITING_MAX: String(WAITING_MAX), BOOKING_QUEUE_TIMEOUT_MS: '30000' },
    });
    urls = [system.urls.booking, await system.startReplica('booking')];
    olga = await signUp(system.graphqlUrl);
    buyers = await signInMany(40, system.secrets);
    crowd = await signInMany(WAITING_MAX, system.secrets);
  });
  afterAll(() => system?.stop());

  /** Calls a process as the gateway does. */
  async function ask(url: string, { authorization }: Buyer, input: object): Promise<Result> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization,
        [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs.booking,
      },
      body: JSON.stringify({ query: BOOK, variables: { input } }),
    });
    const { data, errors } = (await response.json()) as { data: { createBooking: Result } | null; errors?: unknown };
    if (data === null || errors !== undefined) throw new Error(JSON.stringify(errors));
    return data.createBooking;
  }
  const wish = (eventId: string) => ({ eventId, seatCount: 1, idempotencyKey: randomUUID() });

  async function metric(url: string, name: string): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  }
  const lineLength = (url: string) => metric(url, 'admission_line_length');

  /**
   * Locks an event and lets so many requests wait for it in both processes that the next caller opens its line, and
   * nobody in the line gets their turn. Returns a function that ends the lock.
   */
  async function fill(eventId: string) {
    const database = await connectTo(system.databaseUrls.booking);
    // The first request creates the inventory.
    await ask(urls[0], crowd[0] as Buyer, wish(eventId));
    await database.beginTransaction();
    await database.query('SELECT 1 FROM inventories WHERE event_id = ? FOR UPDATE', [eventId]);
    const waiting = urls.flatMap((url) => crowd.map((buyer) => ask(url, buyer, wish(eventId))));
    for (const url of urls) await expect.poll(() => metric(url, 'allocator_waiting_requests'), SOON).toBe(WAITING_MAX);
    const release = async () => {
      await database.rollback();
      await database.end();
      return Promise.all(waiting);
    };
    return { release };
  }

  it('serves everybody in the order of their places, whichever process they ask', async () => {
    const eventId = await createEvent(olga, { totalSeats: 1_000 });
    const { release } = await fill(eventId);
    const callers = buyers.map((buyer) => ({ buyer, input: wish(eventId) }));
    const first: Result[] = [];
    for (const [index, { buyer, input }] of callers.entries()) {
      first.push(await ask(urls[index === 0 ? 0 : ((index % 2) as 0 | 1)], buyer, input));
      if (index === 0) await expect.poll(() => lineLength(urls[1]), SOON).toBe(1);
    }
    expect(first.map(({ code, position }) => ({ code, position }))).toEqual(
      callers.map((_, position) => ({ code: 'QUEUED', position })),
    );

    const calls: { place: number; sentAtMs: number; answeredAtMs: number; isServed: boolean }[] = [];
    const come = async (place: number) => {
      const { buyer, input } = callers[place] as (typeof callers)[number];
      for (let result = first[place] as Result; ; ) {
        await delay(Date.parse(result.comeBackAt) - Date.now());
        const sentAtMs = performance.now();
        result = await ask(urls[calls.length % 2 === 0 ? 0 : 1], buyer, { ...input, place: result.place });
        const isServed = result.booking !== undefined;
        calls.push({ place, sentAtMs, answeredAtMs: performance.now(), isServed });
        if (isServed) return;
        expect(result).toMatchObject({ code: 'QUEUED' });
      }
    };
    await release();
    await Promise.all(callers.map((_, place) => come(place)));
    const overtaken = calls.filter(
      (call) =>
        !call.isServed &&
        calls.some(
          ({ place, isServed, answeredAtMs }) => isServed && place > call.place && answeredAtMs < call.sentAtMs,
        ),
    );
    expect(overtaken).toEqual([]);
    for (const url of urls) await expect.poll(() => lineLength(url), SOON).toBe(0);
    const database = await connectTo(system.databaseUrls.booking);
    await expectSeatsAddUp(database);
    await database.end();
  });

  it('gives a user one place, in all tabs, and with a forged or foreign place', async () => {
    const eventId = await createEvent(olga, { totalSeats: 1_000 });
    const { release } = await fill(eventId);
    const [ada, bob] = buyers as [Buyer, Buyer];
    const first = await ask(urls[0], ada, wish(eventId));
    const second = await ask(urls[0], bob, wish(eventId));
    expect([first.position, second.position]).toEqual([0, 1]);
    expect(await ask(urls[0], bob, wish(eventId))).toMatchObject({ code: 'QUEUED', position: 1 });
    for (const place of [first.place, `${second.place.slice(0, 20)}AAAA${second.place.slice(24)}`, 'x', '']) {
      expect(await ask(urls[0], bob, { ...wish(eventId), place })).toMatchObject({ code: 'QUEUED', position: 1 });
    }
    await release();
  });

  it('lets everybody hear at once that the event is sold out', async () => {
    const eventId = await createEvent(olga, { totalSeats: 3 });
    const { release } = await fill(eventId);
    const queued: Result[] = [];
    for (const buyer of buyers) queued.push(await ask(urls[0], buyer, wish(eventId)));
    expect(queued.at(-1)).toMatchObject({ code: 'QUEUED', position: 39 });
    await release();
    for (const url of urls) await expect.poll(() => lineLength(url), SOON).toBe(0);
    const last = { ...wish(eventId), place: queued.at(-1)?.place };
    for (const url of urls) expect(await ask(url, buyers[39] as Buyer, last)).toMatchObject({ code: 'SOLD_OUT' });
  });

  it('keeps one booking for one key, also with a place that was used', async () => {
    const eventId = await createEvent(olga, { totalSeats: 1_000 });
    const { release } = await fill(eventId);
    const input = wish(eventId);
    const ada = buyers[0] as Buyer;
    const { place } = await ask(urls[0], ada, input);
    await release();
    await expect.poll(() => ask(urls[0], ada, { ...input, place }), SOON).toHaveProperty('booking.id');
    expect(await ask(urls[1], ada, { ...input, place })).toMatchObject({ replayed: true });
  });

  it('lets the typed client wait by itself, and holds wait in the same line', async () => {
    const eventId = await createEvent(olga, { totalSeats: 1_000 });
    const { release } = await fill(eventId);
    const ada = createClient({ url: system.graphqlUrl });
    await ada.signUp({ name: 'Ada', email: `${randomUUID()}@example.com`, password: 'correct horse battery' });
    const positions: number[] = [];
    const booking = ada.book({ eventId }, { onQueued: ({ position }) => positions.push(position) });
    await expect.poll(() => positions, SOON).toEqual([0]);
    const bob = await signUp(system.graphqlUrl);
    expect(await holdSeats(bob, eventId)).toMatchObject({ __typename: 'QueuedError', code: 'QUEUED', position: 1 });
    await release();
    expect(await booking).toMatchObject({ __typename: 'CreateBookingPayload', replayed: false });
  });

  it('npm run demo:event plays the life of an event, with a line', { timeout: DEMO_TIMEOUT_MS }, async () => {
    const command = [join(root, 'bench/demo-event.ts'), '--buyers', '60', '--url', system.graphqlUrl];
    const { stdout } = await promisify(execFile)(process.execPath, command, { timeout: DEMO_TIMEOUT_MS });
    expect(stdout).toMatch(/60 others want a seat each: 38 got one, 22 found the event sold out; \d+ of them waited/);
    expect(stdout).toContain('The organizer sees 40 seats sold, 2 checked in, 2 cancelled.');
  });
});
