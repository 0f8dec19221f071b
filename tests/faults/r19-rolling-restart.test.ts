import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGraphQLClient, type GraphQLClient, KEEP_ALIVE_MS } from '#platform/clients/graphql-client.ts';
import { type Balancer, createBalancer } from '../support/balancer.ts';
import { type Buyer, signInMany } from '../support/buyers.ts';
import { createEvent, signUp } from '../support/client.ts';
import { expectNothingLostNorDoubled } from '../support/invariants.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

/** Longer than KEEP_ALIVE_MS. tests/kubernetes/k03-numbers.test.ts requires the same of the Kubernetes manifests. */
const DRAIN_DELAY_MS = KEEP_ALIVE_MS + 2_000;
/** Busy clients book without a pause. Occasional ones pause for up to 1 s longer than KEEP_ALIVE_MS. */
const CLIENTS = { busy: 4, occasional: 40 };
const WAIT = { timeout: 20_000, interval: 50 };
const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) { ... on CreateBookingPayload { booking { id } } ... on DomainError { code } }
}`;

let balancer: Balancer;
let system: TestSystem;
let clients: GraphQLClient[];
beforeAll(async () => {
  system = await startTestSystem({ env: { DRAIN_DELAY_MS: String(DRAIN_DELAY_MS) } });
  balancer = await createBalancer();
  const { booking: secret } = system.secrets.subgraphs;
  clients = Array.from({ length: CLIENTS.busy + CLIENTS.occasional }, () =>
    createGraphQLClient({ url: `${balancer.url}/graphql`, secret }),
  );
});
afterAll(async () => {
  await Promise.all(clients?.map((client) => client.close()) ?? []);
  balancer?.close();
  await system?.stop();
});

test('All bookings sent to one address succeed while its process is replaced twice', async () => {
  const eventId = await createEvent(await signUp(system.graphqlUrl), { totalSeats: 100_000 });
  const [buyer] = (await signInMany(1, system.secrets)) as [Buyer];
  const booked: string[] = [];
  const failures: unknown[] = [];
  async function book(client: GraphQLClient): Promise<void> {
    const input = { eventId, seatCount: 1, idempotencyKey: randomUUID() };
    const headers = { authorization: buyer.authorization };
    try {
      const answer = await client.request({ query: BOOK, variables: { input }, headers, timeoutMs: 8_000 });
      const id = (answer.data?.createBooking as { booking?: { id: string } } | undefined)?.booking?.id;
      if (id === undefined) failures.push(answer);
      else booked.push(id);
    } catch (error) {
      failures.push(error);
    }
  }
  let current = system.urls.booking;
  balancer.setTargets(current);
  let isOver = false;
  const load = clients.map(async (client, index) => {
    while (!isOver && failures.length === 0) {
      await book(client);
      if (index >= CLIENTS.busy) await delay(Math.random() * (KEEP_ALIVE_MS + 1_000));
    }
  });

  try {
    for (const _restart of [1, 2]) {
      const next = await system.startReplica('booking');
      system.terminate(current);
      // As in Kubernetes, the balancer removes the endpoint a little later.
      await expect.poll(async () => (await fetch(`${current}/serving`)).status, WAIT).toBe(503);
      balancer.setTargets(next);
      await expect.poll(() => fetch(`${current}/health`).catch(() => 'gone'), WAIT).toBe('gone');
      const bookedBefore = booked.length;
      await expect.poll(() => booked.length, WAIT).toBeGreaterThan(bookedBefore + clients.length);
      current = next;
    }
  } finally {
    isOver = true;
    await Promise.all(load);
    // Checked in the finally block because these failures explain any other error.
    expect(failures).toEqual([]);
  }
  await expectNothingLostNorDoubled(system, { acknowledged: booked });
});
