import type { webcrypto } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createClient } from 'graphql-sse';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createOwnBroker, type OwnBroker } from './support/broker.ts';
import { anonymous, book, type Client, createEvent, renameEvent, signUp, signUpAdmin } from './support/client.ts';
import { type StreamProtocol, subscribe, type TestStream } from './support/stream-client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const WAIT = { timeout: 20_000, interval: 50 };
const SEATS = 'subscription Seats($id: ID!) { eventSeats(eventId: $id) { id name availableSeats organizer { name } } }';
const OWN = 'subscription Own { myBookings { kind booking { id status seatCount event { name } } } }';
const BUYERS = 'subscription Buyers($id: ID!) { eventSeats(eventId: $id) { bookings { nodes { user { id } } } } }';

describe('live data', () => {
  let system: TestSystem;
  let broker: OwnBroker;
  let ada: Client;
  let bob: Client;
  const opened: TestStream[] = [];

  beforeAll(async () => {
    broker = await createOwnBroker();
    await broker.start();
    system = await startTestSystem({ natsUrl: broker.url, env: { LIVE_HEARTBEAT_MS: '1000' } });
    [ada, bob] = [await signUp(system.graphqlUrl, 'Ada'), await signUp(system.graphqlUrl, 'Bob')];
  });
  afterEach(() => {
    for (const stream of opened.splice(0)) stream.close();
  });
  afterAll(async () => {
    await system?.stop();
    await broker?.remove();
  });

  async function open(
    client: Pick<Client, 'accessToken'>,
    query: string,
    options: Partial<Parameters<typeof subscribe>[2]> = {},
  ) {
    const stream = await subscribe(client, query, { url: system.graphqlUrl, ...options });
    opened.push(stream);
    return stream;
  }
  const seats = (availableSeats: number) => ({ data: { eventSeats: { availableSeats } } });
  /** The value of a metric of a gateway, summed over its labels. */
  async function metric(name: string, url = system.urls.gateway): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  it.each<StreamProtocol>(['sse', 'multipart'])(
    'over %s, seats fall while others book, and rise again',
    async (protocol) => {
      const id = await createEvent(ada, { totalSeats: 20 });
      const stream = await open(anonymous(''), SEATS, { variables: { id }, protocol });
      await stream.latest({
        data: { eventSeats: { id, name: 'Concert', availableSeats: 20, organizer: { name: 'Ada' } } },
      });
      const bookings = await Promise.all([1, 2, 3, 4].map((seatCount) => book(bob, id, { seatCount })));
      await stream.latest(seats(10));
      await bob.send('mutation ($id: ID!) { cancelBooking(input: { id: $id }) { __typename } }', {
        id: bookings[3].booking.id,
      });
      await stream.latest(seats(14));
      await renameEvent(ada, id, 'Recital');
      await stream.latest({ data: { eventSeats: { name: 'Recital', availableSeats: 14 } } });
      await vi.waitFor(() => expect(stream.heartbeats()).toBeGreaterThan(1), WAIT);
      expect(stream.answers.every(({ errors, extensions }) => !errors && !extensions)).toBe(true);
    },
  );

  it('many changes of an event become few answers, executed once for all listeners', async () => {
    const id = await createEvent(ada, { totalSeats: 1_000 });
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => open(anonymous(''), SEATS, { variables: { id } })),
    );
    for (const stream of streams) await stream.latest(seats(1_000));
    const before = await metric('live_executions_total');
    for (let count = 0; count < 20; count += 1) await Promise.all([0, 1, 2, 3, 4].map(() => book(bob, id)));
    for (const stream of streams) await stream.latest(seats(900));
    const executions = (await metric('live_executions_total')) - before;
    expect(executions).toBeLessThan(50);
    for (const { answers } of streams) {
      const fallen = answers.map(({ data }) => data.eventSeats.availableSeats as number);
      expect(fallen).toEqual(fallen.toSorted((one, other) => other - one));
      expect(answers.length).toBeLessThanOrEqual(executions + 2);
    }
    expect(await metric('live_streams')).toBe(20);
  });

  it('own bookings are reported to their user in every tab, and to nobody else', async () => {
    const id = await createEvent(ada, { totalSeats: 50 });
    const admin = await signUpAdmin(system);
    const [first, second, others, admins] = [
      await open(bob, OWN),
      await open(bob, OWN, { protocol: 'multipart' }),
      await open(ada, OWN),
      await open(admin, OWN),
    ];
    for (const stream of opened) await stream.latest({ data: { myBookings: { kind: 'REFRESH', booking: null } } });
    const { booking } = await book(bob, id, { seatCount: 3 });
    const confirmed = { id: booking.id, status: 'CONFIRMED', seatCount: 3, event: { name: 'Concert' } };
    for (const stream of [first, second])
      await stream.latest({ data: { myBookings: { kind: 'CONFIRMED', booking: confirmed } } });
    await bob.send('mutation ($id: ID!) { cancelBooking(input: { id: $id }) { __typename } }', { id: booking.id });
    const cancelled = { ...confirmed, status: 'CANCELLED' };
    for (const stream of [first, second])
      await stream.latest({ data: { myBookings: { kind: 'CANCELLED', booking: cancelled } } });
    // Their own bookings come after Bob's, so Bob's would have come before.
    for (const client of [ada, admin]) await book(client, id);
    for (const stream of [others, admins]) {
      await stream.latest({ data: { myBookings: { kind: 'CONFIRMED', booking: { seatCount: 1 } } } });
      expect(stream.answers).toHaveLength(2);
    }
  });

  it('each listener sees only what they may see, while all of them follow the same event', async () => {
    const id = await createEvent(ada, { totalSeats: 50 });
    const readers = [ada, bob, anonymous('')];
    const streams = await Promise.all(readers.map((client) => open(client, BUYERS, { variables: { id } })));
    const [organizer, buyer, stranger] = streams as [TestStream, TestStream, TestStream];
    await organizer.latest({ data: { eventSeats: { bookings: { nodes: [] } } } });
    await book(bob, id);
    await organizer.latest({ data: { eventSeats: { bookings: { nodes: [{ user: { id: bob.userId } }] } } } });
    for (const stream of [buyer, stranger]) {
      await stream.latest({ data: { eventSeats: { bookings: null } } });
      expect(JSON.stringify(stream.answers)).not.toContain(bob.userId);
    }
  });

  it('a stream ends with UNAUTHENTICATED when its token expires, and not before', async () => {
    const { privateKey } = system.secrets as unknown as { privateKey: { kid: string } };
    const key = await crypto.subtle.importKey('jwk', privateKey as webcrypto.JsonWebKey, { name: 'Ed25519' }, false, [
      'sign',
    ]);
    const token = async (seconds: number) =>
      new SignJWT({ role: 'USER' })
        .setProtectedHeader({ alg: 'EdDSA', kid: privateKey.kid })
        .setSubject(bob.userId)
        .setIssuer('event-booking-system')
        .setAudience('event-booking-system')
        .setExpirationTime(`${seconds}s`)
        .sign(key);
    const id = await createEvent(ada);
    const [short, multipart, long] = [
      await open({ accessToken: await token(3) }, OWN),
      await open({ accessToken: await token(3) }, SEATS, { variables: { id }, protocol: 'multipart' }),
      await open({ accessToken: await token(600) }, OWN),
    ];
    for (const stream of [short, multipart]) {
      await stream.latest({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
      await vi.waitFor(() => expect([stream.isComplete(), stream.isClosed()]).toEqual([true, true]), WAIT);
      expect(stream.answers[0]?.errors).toBeUndefined();
    }
    expect([long.isClosed(), long.answers.length]).toEqual([false, 1]);
  });

  it('two replicas of the gateway each see every change, and a stopping one ends its streams completely', async () => {
    const other = await system.startReplica('gateway');
    const id = await createEvent(ada, { totalSeats: 5 });
    const [here, there] = [
      await open(anonymous(''), SEATS, { variables: { id } }),
      await open(anonymous(''), SEATS, { variables: { id }, url: `${other}/graphql`, protocol: 'multipart' }),
    ];
    for (const stream of [here, there]) await stream.latest(seats(5));
    await book(bob, id, { seatCount: 2 });
    for (const stream of [here, there]) await stream.latest(seats(3));
    system.terminate(other);
    await vi.waitFor(() => expect([there.isComplete(), there.isClosed()]).toEqual([true, true]), WAIT);
    await vi.waitFor(() => expect(system.isRunning(other)).toBe(false), WAIT);
    const resumed = await open(anonymous(''), SEATS, { variables: { id }, protocol: 'multipart' });
    await resumed.latest(seats(3));
    expect(here.isClosed()).toBe(false);
  });

  it('a restart of the broker is told, and afterwards everybody has the present state', async () => {
    const id = await createEvent(ada, { totalSeats: 9 });
    const [event, own] = [await open(anonymous(''), SEATS, { variables: { id } }), await open(bob, OWN)];
    await event.latest(seats(9));
    await own.latest({ data: { myBookings: { kind: 'REFRESH' } } });
    await broker.kill();
    for (const stream of [event, own]) await stream.latest({ extensions: { paused: true } });
    await book(bob, id, { seatCount: 4 });
    const late = await open(anonymous(''), SEATS, { variables: { id } });
    await late.latest({ ...seats(5), extensions: { paused: true } });
    expect((await ada.send('query ($id: ID!) { event(id: $id) { availableSeats } }', { id })).data).toEqual({
      event: { availableSeats: 5 },
    });

    await broker.start();
    for (const stream of [event, late]) {
      await vi.waitFor(
        () =>
          expect(stream.answers.at(-1)).toEqual({
            data: { eventSeats: expect.objectContaining({ availableSeats: 5 }) },
          }),
        WAIT,
      );
    }
    await vi.waitFor(
      () =>
        expect(own.answers.filter(({ extensions }) => !extensions)).toContainEqual({
          data: { myBookings: { kind: 'REFRESH', booking: null } },
        }),
      WAIT,
    );
    await book(bob, id, { seatCount: 1 });
    for (const stream of [event, late]) await stream.latest(seats(4));
    await own.latest({ data: { myBookings: { kind: 'CONFIRMED', booking: { seatCount: 1 } } } });
    expect([event, late, own].map((stream) => stream.isClosed())).toEqual([false, false, false]);
  });

  it('the client of graphql-sse follows an event, and gets the errors of an invalid subscription', async () => {
    const id = await createEvent(ada, { totalSeats: 6 });
    const client = createClient({ url: system.graphqlUrl, retryAttempts: 0 });
    const seen: unknown[] = [];
    const stop = client.subscribe(
      { query: SEATS, variables: { id } },
      { next: (answer) => seen.push(answer), error: (error) => seen.push(error), complete: () => undefined },
    );
    await vi.waitFor(() => expect(seen.at(-1)).toMatchObject(seats(6)), WAIT);
    await book(bob, id);
    await vi.waitFor(() => expect(seen.at(-1)).toMatchObject(seats(5)), WAIT);
    stop();
    const answers = client.iterate({ query: 'subscription { nothing }' });
    expect(await answers.next()).toMatchObject({
      value: { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
    });
    client.dispose();
  });

  it('Apollo Client follows an event by multipart without any configuration', async () => {
    const id = await createEvent(ada, { totalSeats: 6 });
    const client = new ApolloClient({ link: new HttpLink({ uri: system.graphqlUrl }), cache: new InMemoryCache() });
    const seen: unknown[] = [];
    const subscription = client.subscribe({ query: gql(SEATS), variables: { id } }).subscribe((answer) => {
      seen.push(answer);
    });
    await vi.waitFor(() => expect(seen.at(-1)).toMatchObject(seats(6)), WAIT);
    await book(bob, id);
    await vi.waitFor(() => expect(seen.at(-1)).toMatchObject(seats(5)), WAIT);
    subscription.unsubscribe();
    await vi.waitFor(async () => expect(await metric('live_streams')).toBe(0), WAIT);
    client.stop();
  });
});
