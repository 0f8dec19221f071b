import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { print } from 'graphql';
import { Redis } from 'ioredis';
import type { Connection } from 'mariadb';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { SUBGRAPHS, type SubgraphName } from '#services';
import {
  anonymous,
  book,
  type Client,
  checkIn,
  confirmHold,
  createEvent,
  holdSeats,
  joinWaitlist,
  leaveWaitlist,
  releaseHold,
  signUp,
  signUpAdmin,
  ticketCodeOf,
} from '../support/client.ts';
import { connectTo } from '../support/invariants.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';
import { READERS } from './rights.ts';
import { documentOf, outcomeOf, type Reader, RIGHTS, type Right } from './rights-table.ts';

describe('the rights of each reader to the data of the owner', () => {
  let system: TestSystem;
  let clients: Record<Reader, Client>;
  let ids: Record<string, string>;
  let refreshTokens: Record<Reader, string>;

  beforeAll(async () => {
    // A closed stream counts until the gateway knows that it is closed.
    system = await startTestSystem({ env: { LIVE_STREAMS_USER_MAX: '100', ADMISSION_WAITING_MAX: '1000' } });
    const { graphqlUrl } = system;
    const [owner, other, organizer, admin] = [
      await signUp(graphqlUrl, 'Bob'),
      await signUp(graphqlUrl, 'Eve'),
      await signUp(graphqlUrl, 'Ada'),
      await signUpAdmin(system),
    ];
    clients = { anonymous: anonymous(graphqlUrl), owner, other, organizer, admin };
    ids = { user: owner.userId, ...(await prepare(system, { owner, organizer })) };
    const tokens = await Promise.all(READERS.map((_reader, index) => register(graphqlUrl, `r${index}@example.com`)));
    refreshTokens = Object.fromEntries(READERS.map((reader, index) => [reader, tokens[index]])) as typeof refreshTokens;
  });
  afterAll(() => system?.stop());

  /** The operation of a reader about the owner's objects, or about those in `things`. */
  function queryOf(reader: Reader, right: Right, things: Record<string, string> = ids): string {
    const values: Record<string, string> = {
      ...things,
      newEmail: `${randomUUID()}@example.com`,
      refreshToken: refreshTokens[reader],
    };
    return print(documentOf(right)).replace(/\$(\w+)/g, (_variable, name) => JSON.stringify(values[name]));
  }

  const authorizationOf = (reader: Reader) => {
    const { accessToken } = clients[reader];
    return accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
  };

  /** Sends an operation alone. Of a subscription, it reads the first answer. */
  async function ask(reader: Reader, right: Right, things?: Record<string, string>) {
    const { subgraph } = right;
    const query = queryOf(reader, right, things);
    const response = await fetch(
      subgraph === undefined ? system.graphqlUrl : `${system.urls[subgraph as SubgraphName]}/graphql`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(right.operation.startsWith('subscription') && { accept: 'text/event-stream' }),
          ...authorizationOf(reader),
          ...(subgraph !== undefined && { [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs[subgraph as SubgraphName] }),
        },
        body: JSON.stringify({ query }),
      },
    );
    return { status: response.status, text: await firstAnswerIn(response) };
  }

  /** Sends operations of several readers to a subgraph in one batch. Returns the texts of the answers. */
  async function askInBatch(subgraph: SubgraphName, asked: readonly { reader: Reader; right: Right }[]) {
    const response = await fetch(`${system.urls[subgraph]}/graphql/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs[subgraph] },
      body: JSON.stringify(
        asked.map(({ reader, right }, id) => ({
          id,
          headers: authorizationOf(reader),
          query: queryOf(reader, right),
        })),
      ),
    });
    const answers: string[] = [];
    for (const line of (await response.text()).trimEnd().split('\n')) {
      const end = line.indexOf(' ');
      answers[Number(line.slice(0, end))] = line.slice(end + 1);
    }
    return answers;
  }

  const lines = RIGHTS.map((right) => [right.subgraph ?? 'gateway', right.operation, right] as const);

  it.each(lines)('at the %s: %s', async (_where, _operation, right) => {
    const outcomes: Record<string, string> = {};
    for (const reader of READERS) {
      const { text } = await ask(reader, right);
      outcomes[reader] = outcomeOf(right, JSON.parse(text), new Set(Object.values(ids)));
    }
    expect(outcomes).toEqual(right.outcomes);
  });

  const unknown = lines.flatMap(([where, operation, right]) => {
    const readers = READERS.filter(
      (reader) => HIDDEN.has(right.outcomes[reader]) && hiddenThings(right, reader).length > 0,
    );
    return readers.map((reader) => [reader, where, operation, right] as const);
  });

  it.each(unknown)(
    'as %s at the %s: a hidden object is answered like a missing one: %s',
    async (reader, _at, _of, right) => {
      const absent = { ...ids, ...notThere(ids, hiddenThings(right, reader)) };
      const answer = withoutIds(await ask(reader, right), ids);
      expect(withoutIds(await ask(reader, right, absent), absent)).toEqual(answer);
    },
  );

  it('all readers at the same time get the same answers as each alone', async () => {
    const asked = RIGHTS.flatMap((right) => READERS.map((reader) => ({ right, reader }))).filter(isWithoutEffect);
    const sequential = async () => {
      const answers: string[] = [];
      for (const { right, reader } of asked) answers.push(shown(await ask(reader, right)));
      return answers;
    };
    // The tests above leave notifications to deliver.
    const alone = await vi.waitUntil(
      async () => {
        const [one, other] = [await sequential(), await sequential()];
        return isDeepStrictEqual(one, other) && one;
      },
      { timeout: 40_000 },
    );
    const distinct = (right: Right) => new Set(alone.filter((_, index) => asked[index]?.right === right)).size;
    // Otherwise the readers could get each other's answers unnoticed.
    expect(RIGHTS.filter((right) => distinct(right) > 1).length).toBeGreaterThan(RIGHTS.length / 2);

    const wrong: object[] = [];
    const compare = (index: number, answer: string, way: string) => {
      if (answer !== alone[index]) wrong.push({ way, ...asked[index], answer, expected: alone[index] });
    };
    for (let round = 0; round < CONCURRENT_ROUNDS; round += 1) {
      const order = shuffled(asked.keys());
      const requests = order.map(async (index) => {
        const { right, reader } = asked[index] as (typeof asked)[number];
        compare(index, shown(await ask(reader, right)), 'alone');
      });
      const batches = SUBGRAPHS.map(async (name) => {
        const inBatch = order.filter((index) => asked[index]?.right.subgraph === name);
        const answers = await askInBatch(
          name,
          inBatch.map((index) => asked[index] as (typeof asked)[number]),
        );
        for (const [at, index] of inBatch.entries())
          compare(index, shown({ status: 200, text: answers[at] ?? '' }), 'in a batch');
      });
      await Promise.all([...requests, ...batches]);
    }
    expect(wrong).toEqual([]);
  });

  it('the page info of a list reveals nothing to other users', async () => {
    const { data } = await clients.anonymous.send('{ bookings { nodes { id } pageInfo { hasNextPage } } }');
    expect(data).toBeNull();
    const stranger = await signUp(system.graphqlUrl, 'Mallory');
    const page = '(first: 1) { edges { cursor } nodes { id } pageInfo { hasNextPage endCursor } }';
    const empty = { edges: [], nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
    expect((await stranger.send(`{ bookings${page} notifications${page} }`)).data).toEqual({
      bookings: empty,
      notifications: empty,
    });
    const own = (await clients.owner.send(`{ bookings${page} }`)).data.bookings;
    expect(own).toMatchObject({ nodes: [{}], pageInfo: { hasNextPage: true } });
  });

  it('signIn does not reveal whether a user exists', async () => {
    const signIn = `mutation SignIn($email: String!) {
      signIn(input: { email: $email, password: "not the password" }) {
        __typename ... on InvalidCredentialsError { code message }
      }
    }`;
    const [known, unknown] = [
      await clients.anonymous.send(signIn, { email: ids.email }),
      await clients.anonymous.send(signIn, { email: `${randomUUID()}@example.com` }),
    ];
    expect(known.data.signIn.__typename).toBe('InvalidCredentialsError');
    expect(unknown).toEqual(known);
  });

  it('clients cannot query the fields that are only for subgraphs', async () => {
    for (const query of [
      '{ eventFacts(ids: []) { id } }',
      '{ events { nodes { initialSeats } } }',
      '{ userContacts(ids: []) { id } }',
      '{ _service { sdl } }',
    ]) {
      expect((await clients.admin.send(query)).errors).toMatchObject([
        { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
      ]);
    }
  });
});

const CONCURRENT_ROUNDS = 8;

/** The text of a response, or the first answer in a stream of Server-Sent Events, which is then closed. */
async function firstAnswerIn(response: Response): Promise<string> {
  if (response.headers.get('content-type') !== 'text/event-stream') return response.text();
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const [, answer] = /^data: (.*)\n\n/m.exec(text) ?? [];
    if (answer !== undefined) return answer;
  }
  throw new Error(`The stream ended without an answer: ${text}`);
}

/** True for a query, and for a mutation that this reader may not perform. Checking a password takes too long to repeat. */
const isWithoutEffect = ({ right: { operation, outcomes }, reader }: { right: Right; reader: Reader }) =>
  operation.startsWith('query') || !['yes', 'InvalidCredentialsError'].includes(outcomes[reader]);

/** The answer without the parts that depend on the cache, and on the time at which a caller in a line comes back. */
const shown = ({ status, text }: { status: number; text: string }) =>
  `${status} ${text.trimEnd().replace(/"(cached|place|position|comeBackAt)":("[^"]*"|\w+)/g, '"$1":null')}`;

function shuffled<Item>(items: Iterable<Item>): Item[] {
  return [...items]
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

const PASSWORD = 'correct horse battery';
const DAY_MS = 86_400_000;

/** Registers a user. Returns the refresh token. */
async function register(graphqlUrl: string, email: string): Promise<string> {
  const { data } = await anonymous(graphqlUrl).send(
    `mutation Register($input: CreateUserInput!) {
      createUser(input: $input) { ... on Session { refreshToken } }
    }`,
    { input: { name: 'Somebody', email, password: PASSWORD } },
  );
  return data.createUser.refreshToken;
}

/** Opens a line with more places than get their turn during the test. The booking process learns of it in its next tick. */
async function openLine({ redisUrl, urls }: TestSystem, eventId: string): Promise<void> {
  const redis = new Redis(redisUrl);
  await redis.hset(`line:${eventId}`, { issued: 1_000_000_000, admitted: 0 });
  await redis.sadd('lines', eventId);
  redis.disconnect();
  const isKnown = async () =>
    /^admission_line_length\S* [1-9]/m.test(await (await fetch(`${urls.booking}/metrics`)).text());
  await vi.waitFor(async () => expect(await isKnown()).toBe(true), { timeout: 10_000 });
}

/** Creates an object of each kind without null fields for the owner. Returns the values of the table's variables. */
async function prepare(system: TestSystem, { owner, organizer }: Record<'owner' | 'organizer', Client>) {
  const tomorrow = new Date(Date.now() + DAY_MS).toISOString();
  const yesterday = new Date(Date.now() - DAY_MS).toISOString();
  const texts = { description: 'Trio', venue: 'The Old Mill' };
  const sale = { salesStartAt: yesterday, salesEndAt: tomorrow, maxSeatsPerUser: 100, cancellationDeadline: tomorrow };
  const inDays = (days: number) => ({ startsAt: new Date(Date.now() + days * DAY_MS).toISOString() });
  // The first event of the lists, because it starts first.
  const event = await createEvent(organizer, { ...texts, ...sale, ...inDays(2) });
  const unopenedEvent = await createEvent(organizer, { ...inDays(3), salesStartAt: tomorrow });
  const closedEvent = await createEvent(organizer, { ...inDays(3), salesEndAt: yesterday });
  const limitedEvent = await createEvent(organizer, { ...inDays(3), maxSeatsPerUser: 1 });
  const heldEvent = await createEvent(organizer, inDays(3));
  const busyEvent = await createEvent(organizer, inDays(3));
  await openLine(system, busyEvent);
  const cancelledEvent = await createEvent(organizer, inDays(3));
  await organizer.send(
    `mutation Cancel($id: ID!) { cancelEvent(input: { id: $id, expectedVersion: 1, reason: "ill" }) { __typename } }`,
    { id: cancelledEvent },
  );
  const booking = (await book(owner, event)).booking.id;
  await book(owner, event);
  const cancel = `mutation Cancel($id: ID!) {
    cancelBooking(input: { id: $id, reason: "ill" }) { ... on CancelBookingPayload { booking { status } } }
  }`;
  const cancelledTicket = await ticketCodeOf(owner, booking);
  await owner.send(cancel, { id: booking });
  const soldOutEvent = await createEvent(organizer, { ...inDays(3), totalSeats: 1 });
  await book(organizer, soldOutEvent);
  const leftEntry = (await joinWaitlist(owner, soldOutEvent)).entry.id;
  await leaveWaitlist(owner, leftEntry);
  const waitingEntry = (await joinWaitlist(owner, soldOutEvent)).entry.id;
  // The first entry of the lists, because it is the newest.
  const small = { ...sale, totalSeats: 1, maxSeatsPerUser: 1 };
  const offeredEvent = await createEvent(organizer, { ...texts, ...small, ...inDays(3) });
  const cancelled = (await book(organizer, offeredEvent)).booking.id;
  const waitlistEntry = (await joinWaitlist(owner, offeredEvent)).entry.id;
  await organizer.send(cancel, { id: cancelled });
  const offer = `query Offer($id: ID!) { waitlistEntry(id: $id) { hold { id } } }`;
  const offeredHold = (await owner.send(offer, { id: waitlistEntry })).data.waitlistEntry.hold.id as string;
  const offerArrived = async () => {
    const query = `query Sent($id: ID!) { notifications(filter: { bookingId: $id }) { nodes { status } } }`;
    expect((await owner.send(query, { id: offeredHold })).data.notifications.nodes).toEqual([{ status: 'SENT' }]);
  };
  await vi.waitFor(offerArrived, { timeout: 20_000, interval: 100 });
  const lateEvent = await createEvent(organizer, { ...inDays(3), cancellationDeadline: yesterday });
  const lateBooking = (await book(owner, lateEvent)).booking.id;
  const releasedHold = (await holdSeats(owner, event)).hold.id;
  await releaseHold(owner, releasedHold);
  const hold = (await holdSeats(owner, event)).hold.id;
  await confirmHold(owner, hold);
  const ticket = await ticketCodeOf(owner, hold);
  await checkIn(organizer, { eventId: event, code: ticket, deviceKey: 'first-door' });
  const ticketKey = (await owner.send('{ ticketKeys { id } }')).data.ticketKeys[0].id as string;
  const notificationOf = async () => {
    const query = `query Sent($id: ID!) { booking(id: $id) { notifications { id status } } }`;
    const { notifications } = (await owner.send(query, { id: booking })).data.booking;
    expect(notifications).toMatchObject([{ status: 'SENT' }, { status: 'SENT' }]);
    return notifications[0].id as string;
  };
  const notification = await vi.waitFor(notificationOf, { timeout: 20_000, interval: 100 });

  const [silentBooking, failedNotification, deadLetter] = [newId(), newId(), newId()];
  const bookings = await connectTo(system.databaseUrls.booking);
  await bookings.query(
    `INSERT INTO bookings (id, event_id, user_id, seat_count, status, cancelled_at, cancellation_reason)
     VALUES (?, ?, ?, 1, 'CANCELLED', CURRENT_TIMESTAMP(3), 'ill')`,
    [silentBooking, event, owner.userId],
  );
  await bookings.end();
  const notifications = await connectTo(system.databaseUrls.notification);
  await notifications.query(
    `INSERT INTO notifications (id, booking_id, user_id, event_id, seat_count, kind, channel, status, attempts, sent_at)
     VALUES (?, ?, ?, ?, 1, 'BOOKING_CONFIRMED', 'LOG', 'FAILED', 5, CURRENT_TIMESTAMP(3))`,
    [failedNotification, newId(), owner.userId, event],
  );
  const change = newId();
  await notifications.query(
    `INSERT INTO event_changes (id, event_id, starts_at, venue, previous_starts_at, previous_venue, changed_at)
     VALUES (?, ?, CURRENT_TIMESTAMP(3), 'Hall', CURRENT_TIMESTAMP(3), 'Barn', CURRENT_TIMESTAMP(3))`,
    [change, event],
  );
  const changeNotification = newId();
  await notifications.query(
    `INSERT INTO notifications (id, booking_id, user_id, event_id, seat_count, kind, channel, status, attempts, change_id)
     VALUES (?, ?, ?, ?, 1, 'EVENT_CHANGED', 'LOG', 'FAILED', 5, ?)`,
    [changeNotification, changeNotification, owner.userId, event, change],
  );
  await notifications.query(
    `INSERT INTO dead_letters (id, consumer, subject, payload, reason, deliveries, redriven_at)
     VALUES (?, 'notification-bookings', 'booking.confirmed.v1', 'poison', 'poison', 5, CURRENT_TIMESTAMP(3))`,
    [deadLetter],
  );
  const webhooks = await addWebhooks(notifications, owner.userId);
  await notifications.end();
  const { data } = await owner.send(
    `{ bookings(first: 1) { pageInfo { endCursor } } notifications(first: 1) { pageInfo { endCursor } }
      me { sessions { id } } }`,
  );

  const email = `${randomUUID()}@example.com`;
  await register(system.graphqlUrl, email);
  return {
    event,
    cancelledEvent,
    unopenedEvent,
    closedEvent,
    limitedEvent,
    heldEvent,
    busyEvent,
    hold,
    releasedHold,
    soldOutEvent,
    leftEntry,
    waitingEntry,
    waitlistEntry,
    offeredHold,
    ticket,
    cancelledTicket,
    ticketKey,
    booking,
    lateBooking,
    silentBooking,
    notification,
    failedNotification,
    deadLetter,
    ...webhooks,
    email,
    session: data.me.sessions[0].id as string,
    bookingCursor: data.bookings.pageInfo.endCursor as string,
    notificationCursor: data.notifications.pageInfo.endCursor as string,
    password: PASSWORD,
    tomorrow,
  };
}

/**
 * Adds endpoints of the owner: one that is off, with a delivery, and one that is on, both without null fields; one to
 * delete; and one of a user who does not exist.
 */
async function addWebhooks(notifications: Connection, userId: string) {
  const [webhook, activeWebhook, oldWebhook, webhookOfNobody] = [newId(), newId(), newId(), newId()];
  const webhookUrl = 'https://tickets.example/webhooks';
  for (const [id, owner, url] of [
    [webhook, userId, webhookUrl],
    [oldWebhook, userId, 'https://tickets.example/old'],
    [webhookOfNobody, newId(), 'https://tickets.example/nobody'],
  ]) {
    await notifications.query(
      `INSERT INTO webhooks (id, user_id, url, kinds, enabled, disabled_reason)
       VALUES (?, ?, ?, 'EVENT_CREATED', FALSE, 'FAILING')`,
      [id, owner, url],
    );
  }
  await notifications.query(`INSERT INTO webhooks (id, user_id, url, kinds) VALUES (?, ?, ?, 'EVENT_CREATED')`, [
    activeWebhook,
    userId,
    'https://tickets.example/active',
  ]);
  const [webhookDelivery, activeDelivery] = [newId(), newId()];
  for (const [id, webhookId] of [
    [webhookDelivery, webhook],
    [activeDelivery, activeWebhook],
  ]) {
    await notifications.query(
      `INSERT INTO webhook_deliveries
         (id, webhook_id, message_id, kind, payload, attempts, next_attempt_at, delivered_at, log)
       VALUES (?, ?, ?, 'EVENT_CREATED', '{}', 1, '2099-01-01', CURRENT_TIMESTAMP(3),
         '[{"startedAt":"2026-11-30T20:00:00.000Z","durationMs":1,"statusCode":500,"error":"STATUS_500"}]')`,
      [id, webhookId, newId()],
    );
  }
  return { webhook, webhookUrl, oldWebhook, webhookOfNobody, webhookDelivery, activeDelivery };
}

const HIDDEN: ReadonlySet<string> = new Set([
  'null',
  'absent',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'BookingNotFoundError',
  'HoldNotFoundError',
  'WaitlistEntryNotFoundError',
  'WebhookNotFoundError',
  'WebhookDeliveryNotFoundError',
]);

/** Variables of the table that do not identify an object. */
const OF_NO_THING: ReadonlySet<string> = new Set([
  'email',
  'newEmail',
  'password',
  'refreshToken',
  'tomorrow',
  'webhookUrl',
]);

const SEES_BOOKING: ReadonlySet<Reader> = new Set(['owner', 'organizer', 'admin']);

const THINGS_OF_OWNER = [
  'booking',
  'silentBooking',
  'hold',
  'releasedHold',
  'leftEntry',
  'waitingEntry',
  'waitlistEntry',
];

const PUBLIC_EVENTS = [
  'event',
  'cancelledEvent',
  'unopenedEvent',
  'closedEvent',
  'limitedEvent',
  'heldEvent',
  'busyEvent',
  'soldOutEvent',
];

/** The objects of an operation that must look missing to its reader. Events are public. */
function hiddenThings({ operation, subgraph }: Right, reader: Reader): string[] {
  const shown = new Set(SEES_BOOKING.has(reader) ? THINGS_OF_OWNER : []);
  if (subgraph === undefined) for (const event of PUBLIC_EVENTS) shown.add(event);
  // An admin sees an endpoint, but not its secrets.
  if (reader === 'admin') shown.add('webhook');
  // A referenced user has a name for every reader, because the reader already sees the object that refers to them.
  if (subgraph === 'user') shown.add('user');
  const named = [...operation.matchAll(/\$(\w+)/g)].map(([, name = '']) => name);
  return named.filter((name) => !OF_NO_THING.has(name) && !shown.has(name));
}

/** Ids and cursors that do not exist, but sort next to the given ones in every list. */
function notThere(things: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  const beside = (id: string) => id.slice(0, -12) + randomUUID().slice(-12);
  return Object.fromEntries(
    names.map((name) => {
      const value = things[name] ?? '';
      if (!name.endsWith('Cursor')) return [name, beside(value)];
      const [id] = JSON.parse(Buffer.from(value, 'base64url').toString()) as [string];
      return [name, Buffer.from(JSON.stringify([beside(id)])).toString('base64url')];
    }),
  );
}

/** The answer with each id replaced by its name. */
function withoutIds({ status, text }: { status: number; text: string }, things: Readonly<Record<string, string>>) {
  const named = Object.entries(things).reduce((rest, [name, value]) => rest.replaceAll(value, `<${name}>`), text);
  return { status, text: named };
}
