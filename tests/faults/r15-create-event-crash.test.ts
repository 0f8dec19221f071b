import type { Connection } from 'mariadb';
import { afterAll, beforeAll, expect } from 'vitest';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { type Buyer, signInMany } from '../support/buyers.ts';
import { connectTo } from '../support/invariants.ts';
import { promise } from '../support/promise.ts';
import { eachOfMany } from '../support/random.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const ORGANIZERS = 300;
const AT_ONCE = 20;
const REQUEST_TIMEOUT_MS = 30_000;
const CREATE = `mutation Create($input: CreateEventInput!) {
  createEvent(input: $input) { ... on CreateEventPayload { replayed event { id } } }
}`;

interface Created {
  replayed: boolean;
  event: { id: string };
}

let system: TestSystem;
let connection: Connection;
beforeAll(async () => {
  system = await startTestSystem();
  connection = await connectTo(system.databaseUrls.event);
});
afterAll(async () => {
  await connection?.end();
  await system?.stop();
});

/** Creates an event. Resolves to undefined when there was no answer. */
async function create(url: string, { authorization }: Buyer, input: object): Promise<Created | undefined> {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization,
      [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs.event,
    },
    body: JSON.stringify({ query: CREATE, variables: { input } }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  })
    .then((response) => response.json() as Promise<{ data?: { createEvent: Created } | null }>)
    .catch(() => undefined);
  return answer?.data?.createEvent;
}

promise(
  'R15: after a process was killed while it created events, a retry at another process leaves each event once',
  {
    without: 'the same key in the retry',
    fails: /R15: the retry finds the event/,
  },
  async (isControl) => {
    const doomed = await system.startReplica('event');
    const organizers = await signInMany(ORGANIZERS, system.secrets);
    const startsAt = new Date(Date.now() + 86_400_000).toISOString();
    const input = { name: 'Survivor', startsAt, totalSeats: 1, idempotencyKey: 'the-same-key-for-each' };

    const sent = await eachOfMany(organizers, AT_ONCE, async (organizer, index) => {
      const created = await create(doomed, organizer, input);
      if (index === ORGANIZERS / 3) system.kill(doomed);
      return created;
    });
    const answered = sent.filter((created) => created !== undefined).length;
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(ORGANIZERS);

    const retry = isControl ? { ...input, idempotencyKey: 'a-new-key-for-each' } : input;
    const retried = await eachOfMany(organizers, AT_ONCE, (organizer) => create(system.urls.event, organizer, retry));
    for (const [index, created] of retried.entries()) {
      expect(created?.event.id).toMatch(/^[0-9a-f-]{36}$/);
      const first = sent[index];
      if (first !== undefined) {
        expect(created, 'R15: the retry finds the event').toEqual({ ...first, replayed: true });
      }
    }
    const again = await eachOfMany(organizers, AT_ONCE, (organizer) => create(system.urls.event, organizer, input));
    expect(again).toEqual(retried.map((created) => ({ ...created, replayed: true })));

    for (const table of ['events', 'idempotency_keys', 'outbox']) {
      const [row] = await connection.query<{ count: bigint }[]>(`SELECT COUNT(*) AS count FROM ${table}`);
      expect([table, Number(row?.count)]).toEqual([table, ORGANIZERS]);
    }
  },
);
