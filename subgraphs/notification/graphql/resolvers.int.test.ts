import { readFile } from 'node:fs/promises';
import { type GraphQLSchema, graphql } from 'graphql';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createSubgraphSchema } from '#platform/graphql/graphql-server.ts';
import type { Caller } from '#platform/identity/identity.ts';
import { createTestBroker } from '#platform/testing/messaging.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { bookingStream } from '../../booking/messaging/contract.ts';
import { policy } from '../policy.ts';
import { insertDeadLetters } from '../store/dead-letters.ts';
import { addNotifications, createNotificationDatabase, testWebhooks } from '../testing.ts';
import type { Context } from './context.ts';
import { createLoaders } from './loaders.ts';
import { resolvers } from './resolvers.ts';

const admin: Caller = { userId: newId(), role: 'ADMIN' };
const [userId, strangerId] = [newId(), newId()];
const user: Caller = { userId, role: 'USER' };
const stranger: Caller = { userId: strangerId, role: 'USER' };

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;
let broker: ReturnType<typeof createTestBroker>;
let proxy: Awaited<ReturnType<typeof createProxy>>;
let schema: GraphQLSchema;
const deliveries = { EMAIL: { nudge: vi.fn() }, LOG: { nudge: vi.fn() } };

beforeAll(async () => {
  fixture = await createNotificationDatabase();
  const direct = createTestBroker();
  proxy = await createProxy(direct.url);
  await direct.close();
  broker = createTestBroker({ url: proxy.url });
  const typeDefs = await readFile(new URL('../schema.graphql', import.meta.url), 'utf8');
  schema = createSubgraphSchema<Context>({ typeDefs, resolvers, policy });
});
afterAll(async () => {
  await broker.close();
  proxy.close();
  await fixture.close();
});
beforeEach(async () => {
  await fixture.empty();
  deliveries.LOG.nudge.mockClear();
});

interface Answer {
  data: Record<string, unknown> | null | undefined;
  codes: unknown[];
}

/** Runs one operation and returns the data and the error codes. */
async function run(caller: Caller | null, source: string, variables: Record<string, unknown> = {}): Promise<Answer> {
  const dependencies = { database: fixture.database, broker, deliveries, webhooks: testWebhooks, newId };
  const contextValue: Context = {
    caller,
    requestId: 'test',
    clientAddress: '192.0.2.1',
    dependencies,
    ...createLoaders(dependencies),
  };
  const { data, errors } = await graphql({ schema, source, contextValue, variableValues: variables });
  return {
    data: JSON.parse(JSON.stringify(data ?? null)),
    codes: (errors ?? []).map(({ message, extensions }) => extensions.code ?? message),
  };
}

const ENTITIES = `query ($of: [_Any!]!, $first: Int, $after: String) { _entities(representations: $of) {
  ... on Notification { id }
  ... on Booking { ofBooking: notifications { id } }
  ... on User { notifications(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }
} }`;

interface Reference {
  __typename: string;
  id: string;
  user?: { id: string } | null;
}

const entities = async (caller: Caller | null, of: Reference[], page = {}) => {
  const { data, codes } = await run(caller, ENTITIES, { of, ...page });
  expect(codes).toEqual([]);
  return data?._entities as unknown[];
};

const LIST = `query ($first: Int, $after: String, $filter: NotificationFilter) {
  notifications(first: $first, after: $after, filter: $filter) {
    nodes { id } pageInfo { hasNextPage endCursor }
  }
}`;

const list = async (caller: Caller | null, variables: Record<string, unknown> = {}) => {
  const { data, codes } = await run(caller, LIST, variables);
  const connection = data?.notifications as { nodes: { id: string }[]; pageInfo: { endCursor: string } } | undefined;
  return { codes, ids: connection?.nodes.map(({ id }) => id), pageInfo: connection?.pageInfo };
};

test('users list their own notifications, admins all, newest first; anonymous callers are refused', async () => {
  const [own = '', others = '', last = ''] = await addNotifications(fixture.database, [{ userId }, {}, { userId }]);
  expect((await list(user)).ids).toEqual([last, own]);
  expect((await list(stranger)).ids).toEqual([]);
  expect((await list(admin)).ids).toEqual([last, others, own]);
  expect((await list(null)).codes).toEqual(['UNAUTHENTICATED']);
});

test('the list is filtered by booking and by status; a malformed booking id matches nothing', async () => {
  const bookingId = newId();
  const [confirmed = '', cancelled = '', other = ''] = await addNotifications(fixture.database, [
    { userId, bookingId },
    { userId, bookingId, kind: 'BOOKING_CANCELLED' },
    { userId },
  ]);
  await fixture.database.notification.update({ where: { id: cancelled }, data: { status: 'FAILED' } });
  expect((await list(user, { filter: { bookingId } })).ids).toEqual([cancelled, confirmed]);
  expect((await list(user, { filter: { status: 'PENDING' } })).ids).toEqual([other, confirmed]);
  expect((await list(user, { filter: { bookingId, status: 'FAILED' } })).ids).toEqual([cancelled]);
  expect((await list(user, { filter: { bookingId: 'ü' } })).ids).toEqual([]);
});

test('paging returns each existing notification once while others are added', async () => {
  const old = await addNotifications(
    fixture.database,
    Array.from({ length: 100 }, () => ({ userId })),
  );
  const met: string[] = [];
  let after: string | undefined;
  do {
    const { ids, pageInfo } = await list(user, { first: 37, after });
    met.push(...(ids ?? []));
    after = pageInfo?.endCursor;
    await addNotifications(fixture.database, [{ userId }]);
  } while (met.length < old.length);
  expect(met).toEqual(old.toReversed());
  expect((await list(user, { first: 0 })).codes).toEqual(['BAD_USER_INPUT']);
  expect((await list(user, { first: 101 })).codes).toEqual(['BAD_USER_INPUT']);
  expect((await list(user, { after: 'broken' })).codes).toEqual(['BAD_USER_INPUT']);
});

test('a notification is visible to its owner and admins, and null for everyone else', async () => {
  const [id = ''] = await addNotifications(fixture.database, [{ userId }]);
  const of = ['none', newId(), id].map((one) => ({ __typename: 'Notification', id: one }));
  expect(await entities(user, of)).toEqual([null, null, { id }]);
  expect(await entities(admin, of)).toEqual([null, null, { id }]);
  expect(await entities(stranger, of)).toEqual([null, null, null]);
  expect(await entities(null, of)).toEqual([null, null, null]);
});

test('the notifications of a booking are visible to its owner and admins, oldest first', async () => {
  const bookingId = newId();
  const [confirmed, cancelled] = await addNotifications(fixture.database, [
    { userId, bookingId },
    { userId, bookingId, kind: 'BOOKING_CANCELLED' },
  ]);
  const of = [bookingId, newId()].map((id) => ({ __typename: 'Booking', id, user: { id: userId } }));
  const ofBooking = [{ id: confirmed }, { id: cancelled }];
  expect(await entities(user, of)).toEqual([{ ofBooking }, { ofBooking: [] }]);
  expect(await entities(admin, of)).toEqual([{ ofBooking }, { ofBooking: [] }]);
  expect(await entities(stranger, of)).toEqual([{ ofBooking: null }, { ofBooking: null }]);
  expect(await entities(null, of)).toEqual([{ ofBooking: null }, { ofBooking: null }]);
});

test('a booking shows no notifications if its reference has no owner or a wrong owner', async () => {
  const bookingId = newId();
  await addNotifications(fixture.database, [{ userId, bookingId }]);
  const booking = { __typename: 'Booking', id: bookingId };
  expect(await entities(user, [booking])).toEqual([{ ofBooking: null }]);
  expect(await entities(user, [{ ...booking, user: null }])).toEqual([{ ofBooking: null }]);
  expect(await entities(stranger, [{ ...booking, user: { id: strangerId } }])).toEqual([{ ofBooking: [] }]);
});

test('the notifications of a user are visible to this user and admins, and each user has their own page', async () => {
  const others = await addNotifications(fixture.database, [{ userId: strangerId }, { userId: strangerId }]);
  const own = await addNotifications(
    fixture.database,
    Array.from({ length: 3 }, () => ({ userId })),
  );
  const of = [userId, strangerId].map((id) => ({ __typename: 'User', id }));
  const page = (ids: (string | undefined)[], hasNextPage = false) => ({
    notifications: {
      nodes: ids.map((id) => ({ id })),
      pageInfo: { hasNextPage, endCursor: expect.any(String) },
    },
  });
  const none = { notifications: null };
  expect(await entities(admin, of)).toEqual([page(own.toReversed()), page(others.toReversed())]);
  expect(await entities(user, of)).toEqual([page(own.toReversed()), none]);
  expect(await entities(null, of)).toEqual([none, none]);

  const first = await entities(user, of, { first: 2 });
  expect(first).toEqual([page([own[2], own[1]], true), none]);
  const [{ notifications }] = first as [{ notifications: { pageInfo: { endCursor: string } } }];
  const after = notifications.pageInfo.endCursor;
  expect(await entities(user, of, { first: 2, after })).toEqual([page([own[0]]), none]);
});

test('each list is loaded with one statement, regardless of the number of bookings and users', async () => {
  const bookings = Array.from({ length: 20 }, () => ({ bookingId: newId(), userId: newId() }));
  const ids = await addNotifications(fixture.database, bookings);
  fixture.takeStatements();
  await entities(admin, [
    ...bookings.map(({ bookingId: id, userId: owner }) => ({ __typename: 'Booking', id, user: { id: owner } })),
    ...bookings.map((booking) => ({ __typename: 'User', id: booking.userId })),
    ...ids.map((id) => ({ __typename: 'Notification', id })),
  ]);
  expect(fixture.takeStatements()).toHaveLength(3);
});

test('a notification has references to its booking and its user', async () => {
  const bookingId = newId();
  await addNotifications(fixture.database, [{ userId, bookingId }]);
  const { data } = await run(
    user,
    '{ notifications { edges { node { kind channel status attempts createdAt sentAt booking { id } user { id } } } } }',
  );
  const node = {
    kind: 'BOOKING_CONFIRMED',
    channel: 'LOG',
    status: 'PENDING',
    attempts: 0,
    createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    sentAt: null,
    booking: { id: bookingId },
    user: { id: userId },
  };
  expect(data?.notifications).toEqual({ edges: [{ node }] });
});

const RETRY = `mutation ($id: ID!) { retryNotification(id: $id) { __typename
  ... on RetryNotificationPayload { notification { id status attempts } }
  ... on NotificationNotFoundError { code }
} }`;

test('only admins may retry a notification, and only a FAILED one', async () => {
  const [id = ''] = await addNotifications(fixture.database, [{ userId }]);
  const notFound = { __typename: 'NotificationNotFoundError', code: 'NOTIFICATION_NOT_FOUND' };
  for (const other of [id, newId(), 'none']) {
    expect((await run(admin, RETRY, { id: other })).data?.retryNotification).toEqual(notFound);
  }
  await fixture.database.notification.update({ where: { id }, data: { status: 'FAILED', attempts: 5 } });
  expect((await run(null, RETRY, { id })).codes).toEqual(['UNAUTHENTICATED']);
  expect((await run(user, RETRY, { id })).codes).toEqual(['FORBIDDEN']);
  expect(deliveries.LOG.nudge).not.toHaveBeenCalled();
  expect((await run(admin, RETRY, { id })).data?.retryNotification).toEqual({
    __typename: 'RetryNotificationPayload',
    notification: { id, status: 'PENDING', attempts: 0 },
  });
  expect(deliveries.LOG.nudge).toHaveBeenCalledOnce();
});

const RETRY_MANY = `mutation ($filter: FailedNotificationFilter, $limit: Int! = 1000) {
  retryNotifications(filter: $filter, limit: $limit) { __typename
    ... on RetryNotificationsPayload { retriedCount hasMore }
    ... on InvalidInputError { code field message }
  }
}`;

test('only admins may retry FAILED notifications in bulk, by filter and up to a limit', async () => {
  const eventId = newId();
  const ids = await addNotifications(fixture.database, [
    ...Array.from({ length: 5 }, () => ({ eventId, channel: 'EMAIL' as const })),
    { eventId },
    { kind: 'BOOKING_CANCELLED' },
    {},
  ]);
  const pending = ids.at(-1) ?? '';
  await fixture.database.notification.updateMany({
    where: { id: { not: pending } },
    data: { status: 'FAILED', attempts: 30 },
  });
  expect((await run(null, RETRY_MANY)).codes).toEqual(['UNAUTHENTICATED']);
  expect((await run(user, RETRY_MANY)).codes).toEqual(['FORBIDDEN']);
  const retry = async (variables: object) => (await run(admin, RETRY_MANY, { ...variables })).data?.retryNotifications;
  const payload = (retriedCount: number, hasMore = false) => ({
    __typename: 'RetryNotificationsPayload',
    retriedCount,
    hasMore,
  });
  for (const limit of [0, 1_001]) {
    expect(await retry({ limit })).toEqual({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      field: 'limit',
      message: 'limit must be a whole number from 1 to 1000.',
    });
  }
  expect(await retry({ filter: { createdFrom: 'yesterday' } })).toMatchObject({ field: 'filter.createdFrom' });
  expect(await retry({ filter: { createdBefore: '2020-01-01T00:00:00Z' } })).toEqual(payload(0));
  expect(await retry({ filter: { eventId: 'ü' } })).toEqual(payload(0));
  expect(await retry({ filter: { eventId, channel: 'EMAIL' }, limit: 3 })).toEqual(payload(3, true));
  expect(await retry({ filter: { eventId, channel: 'EMAIL' } })).toEqual(payload(2));
  expect(await retry({ filter: { kind: 'BOOKING_CANCELLED', createdFrom: '2020-01-01T00:00:00Z' } })).toEqual(
    payload(1),
  );
  expect(await retry({ limit: 1 })).toEqual(payload(1));
  expect(await fixture.database.notification.count({ where: { status: 'PENDING', attempts: 0 } })).toBe(8);
  expect(deliveries.LOG.nudge).toHaveBeenCalled();
});

async function addDeadLetters(count: number, about: { consumer?: string; subject?: string } = {}): Promise<string[]> {
  const letters = Array.from({ length: count }, () => ({
    id: newId(),
    consumer: 'notification-bookings',
    subject: 'booking.confirmed.v1',
    payload: new TextEncoder().encode('Zoë \u0000 🎫'),
    reason: 'the body is not JSON',
    deliveries: 5,
    ...about,
  }));
  await fixture.database.$transaction((transaction) => insertDeadLetters(transaction, letters));
  return letters.map(({ id }) => id);
}

const DEAD_LETTERS = `query ($first: Int, $after: String) { deadLetters(first: $first, after: $after) {
  nodes { id consumer subject payload reason deliveries createdAt redrivenAt } pageInfo { hasNextPage endCursor }
} }`;

test('only admins may list dead letters, newest first and with the body as text', async () => {
  const ids = await addDeadLetters(3);
  expect((await run(null, DEAD_LETTERS)).codes).toEqual(['UNAUTHENTICATED']);
  expect((await run(user, DEAD_LETTERS)).codes).toEqual(['FORBIDDEN']);
  const { data } = await run(admin, DEAD_LETTERS, { first: 2 });
  const about = {
    consumer: 'notification-bookings',
    subject: 'booking.confirmed.v1',
    payload: 'Zoë \u0000 🎫',
    reason: 'the body is not JSON',
    deliveries: 5,
  };
  expect(data?.deadLetters).toEqual({
    nodes: [ids[2], ids[1]].map((id) => ({ id, ...about, createdAt: expect.any(String), redrivenAt: null })),
    pageInfo: { hasNextPage: true, endCursor: expect.any(String) },
  });
});

const REDRIVE = `mutation ($id: ID!) { redriveDeadLetter(id: $id) { __typename
  ... on RedriveDeadLetterPayload { deadLetter { id redrivenAt } }
  ... on DeadLetterNotFoundError { code }
} }`;

test('only admins may redrive a dead letter, and only while the broker is available', async () => {
  await broker.ensureStream(bookingStream);
  const [id = ''] = await addDeadLetters(1);
  expect((await run(null, REDRIVE, { id })).codes).toEqual(['UNAUTHENTICATED']);
  expect((await run(user, REDRIVE, { id })).codes).toEqual(['FORBIDDEN']);
  for (const other of [newId(), 'none']) {
    const { data } = await run(admin, REDRIVE, { id: other });
    expect(data?.redriveDeadLetter).toEqual({ __typename: 'DeadLetterNotFoundError', code: 'DEAD_LETTER_NOT_FOUND' });
  }
  proxy.cut();
  expect((await run(admin, REDRIVE, { id })).codes).toEqual(['SERVICE_UNAVAILABLE']);
  expect(await fixture.database.deadLetter.count({ where: { redrivenAt: null } })).toBe(1);

  proxy.restore();
  await vi.waitFor(() => expect(broker.isConnected()).toBe(true), { timeout: 10_000 });
  expect((await run(admin, REDRIVE, { id })).data?.redriveDeadLetter).toEqual({
    __typename: 'RedriveDeadLetterPayload',
    deadLetter: { id, redrivenAt: expect.any(String) },
  });
});

const REDRIVE_MANY = `mutation ($filter: DeadLetterFilter, $limit: Int! = 100) {
  redriveDeadLetters(filter: $filter, limit: $limit) { __typename
    ... on RedriveDeadLettersPayload { redrivenCount hasMore }
    ... on InvalidInputError { code field }
  }
}`;

test('only admins may redrive dead letters in bulk, by filter, oldest first and each once', async () => {
  await broker.ensureStream(bookingStream);
  const ids = await addDeadLetters(25);
  await addDeadLetters(2, { consumer: 'booking-events', subject: 'booking.cancelled.v1' });
  expect((await run(null, REDRIVE_MANY)).codes).toEqual(['UNAUTHENTICATED']);
  expect((await run(user, REDRIVE_MANY)).codes).toEqual(['FORBIDDEN']);
  const redrive = async (variables: object) =>
    (await run(admin, REDRIVE_MANY, { ...variables })).data?.redriveDeadLetters;
  const payload = (redrivenCount: number, hasMore = false) => ({
    __typename: 'RedriveDeadLettersPayload',
    redrivenCount,
    hasMore,
  });
  expect(await redrive({ filter: { consumer: 'ü' } })).toMatchObject({ field: 'filter.consumer' });
  expect(await redrive({ limit: 101 })).toMatchObject({ __typename: 'InvalidInputError', field: 'limit' });
  proxy.cut();
  expect((await run(admin, REDRIVE_MANY)).codes).toEqual(['SERVICE_UNAVAILABLE']);
  proxy.restore();
  await vi.waitFor(() => expect(broker.isConnected()).toBe(true), { timeout: 10_000 });

  const messages = async () =>
    (await (await broker.jetStream()).manager.streams.info(broker.resourceName('BOOKINGS'))).state.messages;
  const before = await messages();
  expect(await redrive({ filter: { consumer: 'nobody' } })).toEqual(payload(0));
  expect(await redrive({ filter: { consumer: 'notification-bookings' }, limit: 15 })).toEqual(payload(15, true));
  const redriven = await fixture.database.deadLetter.findMany({ where: { redrivenAt: { not: null } } });
  expect(redriven.map(({ id }) => id).toSorted()).toEqual(ids.slice(0, 15));
  expect(await redrive({ filter: { subject: 'booking.cancelled.v1' } })).toEqual(payload(2));
  expect(await redrive({})).toEqual(payload(10));
  expect(await redrive({})).toEqual(payload(0));
  expect((await messages()) - before).toBe(27);
});
