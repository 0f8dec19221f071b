import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { anonymous, type Client, createEvent, signUp, signUpAdmin } from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

let system: TestSystem;
let ada: Client;
let bob: Client;
beforeAll(async () => {
  system = await startTestSystem();
  ada = await signUp(system.graphqlUrl, 'Ada');
  bob = await signUp(system.graphqlUrl, 'Bob');
});
afterAll(() => system?.stop());

const startsAt = (inDays: number) => new Date(Date.now() + inDays * 86_400_000).toISOString();

test('Everybody sees which events a user organizes, also cancelled ones, earliest start first', async () => {
  const [second, first] = [
    await createEvent(ada, { startsAt: startsAt(2) }),
    await createEvent(ada, { startsAt: startsAt(1) }),
  ];
  const other = await createEvent(bob);
  await ada.send(`mutation { cancelEvent(input: { id: "${second}", expectedVersion: 1 }) { __typename } }`);
  const expected = [
    { id: first, status: 'SCHEDULED', availableSeats: 100 },
    { id: second, status: 'CANCELLED', availableSeats: expect.any(Number) },
  ];
  const events = 'events { nodes { id status availableSeats } }';
  expect((await ada.send(`{ me { ${events} } }`)).data.me.events.nodes).toEqual(expected);
  for (const reader of [anonymous(system.graphqlUrl), bob]) {
    const { data } = await reader.send(`{ event(id: "${first}") { organizer { name ${events} } } }`);
    expect(data.event.organizer).toEqual({ name: 'Ada', events: { nodes: expected } });
  }
  expect((await bob.send('{ me { events { nodes { id } } } }')).data.me.events.nodes).toEqual([{ id: other }]);
});

test('A user without events has an empty list, and an unknown user is null', async () => {
  const admin = await signUpAdmin(system);
  const query = 'query ($id: ID!) { user(id: $id) { events { nodes { id } pageInfo { hasNextPage endCursor } } } }';
  const empty = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  expect((await admin.send(query, { id: admin.userId })).data).toEqual({ user: { events: empty } });
  expect(await admin.send(query, { id: randomUUID() })).toMatchObject({ data: { user: null }, errors: undefined });
});

test('The second mutation of a request sees the event of the first one in the list', async () => {
  const carol = await signUp(system.graphqlUrl, 'Carol');
  const create = `createEvent(input: { name: "New", startsAt: "${startsAt(1)}", totalSeats: 1 }) {
    ... on CreateEventPayload { event { organizer { events { nodes { id } } } } }
  }`;
  const { data } = await carol.send(`mutation { one: ${create} two: ${create} }`);
  expect([data.one, data.two].map(({ event }) => event.organizer.events.nodes.length)).toEqual([1, 2]);
});

test('While the event subgraph is down, the events are null and the rest of the user is there', async () => {
  const ask = () => ada.send('{ me { name events { nodes { id } } } }');
  system.kill(system.urls.event);
  await vi.waitFor(async () => {
    const { data, errors } = await ask();
    expect(data).toEqual({ me: { name: 'Ada', events: null } });
    expect(errors).toMatchObject([{ path: ['me', 'events'], extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
  });
});
