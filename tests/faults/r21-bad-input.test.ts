import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { anonymous, book, type Client, createEvent, signUp } from '../support/client.ts';
import { promise } from '../support/promise.ts';
import { openStreams } from '../support/streams.ts';
import { startTestSystem, startTimesOf, type TestSystem } from '../support/system.ts';

const DAY_MS = 86_400_000;
const SOON = { timeout: 20_000, interval: 100 };
/** What is not HTTP, or breaks its limits. */
const GARBAGE = [
  '\u0000\u0001\u0002\r\n\r\n',
  'GET /health HTTP/9.9\r\n\r\n',
  'GET /health HTTP/1.1\r\nhost\r\n\r\n',
  'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
  `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
];

describe('R21: bad input', () => {
  let system: TestSystem;
  let ada: Client;
  let eventId: string;
  let startTimes: Record<string, string | undefined>;

  beforeAll(async () => {
    system = await startTestSystem();
    ada = await signUp(system.graphqlUrl);
    eventId = await createEvent(ada);
    startTimes = await startTimesOf(system);
  });
  afterAll(() => system?.stop());

  const notificationsOf = async (id: string): Promise<unknown[]> =>
    (await ada.send('query N($id: ID!) { booking(id: $id) { notifications { id } } }', { id })).data.booking
      .notifications;

  const refusal = async (mutation: string, input: object) => {
    const inputType = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
    const { data } = await ada.send(
      `mutation Bad($input: ${inputType}!) { ${mutation}(input: $input) { ... on InvalidInputError { code field } } }`,
      { input },
    );
    return data[mutation];
  };

  const event = { name: 'Concert', startsAt: new Date(Date.now() + DAY_MS).toISOString(), totalSeats: 10 };
  const user = () => ({ name: 'Ada', email: `${randomUUID()}@example.com`, password: 'correct horse battery' });

  it.each(['🂡', 'é', '1', '', 'x'.repeat(300)])(
    'updateEvent and cancelEvent answer EVENT_NOT_FOUND for the id %j',
    async (id) => {
      for (const mutation of ['updateEvent', 'cancelEvent'] as const) {
        const type = mutation === 'updateEvent' ? 'UpdateEventInput' : 'CancelEventInput';
        const { data } = await ada.send(
          `mutation Change($input: ${type}!) { ${mutation}(input: $input) { ... on DomainError { code } } }`,
          { input: { id, expectedVersion: 1 } },
        );
        expect(data).toEqual({ [mutation]: { code: 'EVENT_NOT_FOUND' } });
      }
    },
  );

  it.each([
    ['createUser', 'name', () => ({ ...user(), name: 'x'.repeat(121) })],
    ['createUser', 'name', () => ({ ...user(), name: 'a\u0000b' })],
    ['createUser', 'email', () => ({ ...user(), email: 'not an address' })],
    ['createUser', 'email', () => ({ ...user(), email: `${'x'.repeat(250)}@example.com` })],
    ['createUser', 'password', () => ({ ...user(), password: 'x'.repeat(11) })],
    ['createUser', 'password', () => ({ ...user(), password: 'x'.repeat(129) })],
    ['createEvent', 'name', () => ({ ...event, name: '' })],
    ['createEvent', 'name', () => ({ ...event, name: 'x'.repeat(300) })],
    ['createEvent', 'description', () => ({ ...event, description: 'a\u0007b' })],
    ['createEvent', 'startsAt', () => ({ ...event, startsAt: 'tomorrow' })],
    ['createEvent', 'startsAt', () => ({ ...event, startsAt: '2020-01-01T00:00:00Z' })],
    ['createEvent', 'totalSeats', () => ({ ...event, totalSeats: 0 })],
    ['createEvent', 'totalSeats', () => ({ ...event, totalSeats: 2_000_000 })],
    ['createEvent', 'idempotencyKey', () => ({ ...event, idempotencyKey: 'short' })],
    ['createEvent', 'idempotencyKey', () => ({ ...event, idempotencyKey: 'with a space in it' })],
    ['updateEvent', 'startsAt', () => ({ id: eventId, expectedVersion: 1, startsAt: '2020-01-01T00:00:00Z' })],
    ['updateEvent', 'name', () => ({ id: eventId, expectedVersion: 1, name: 'a\nb' })],
    ['updateEvent', 'expectedVersion', () => ({ id: eventId, expectedVersion: -1 })],
    ['createBooking', 'seatCount', () => ({ eventId, seatCount: 0, idempotencyKey: randomUUID() })],
    ['createBooking', 'seatCount', () => ({ eventId, seatCount: 11, idempotencyKey: randomUUID() })],
    ['createBooking', 'idempotencyKey', () => ({ eventId, seatCount: 1, idempotencyKey: 'short' })],
    ['createBooking', 'idempotencyKey', () => ({ eventId, seatCount: 1, idempotencyKey: 'with a space in it' })],
    ['createBooking', 'userId', () => ({ eventId, seatCount: 1, idempotencyKey: randomUUID(), userId: '1 OR 1=1' })],
    ['setEventCapacity', 'totalSeats', () => ({ eventId, totalSeats: 1_000_001 })],
  ])('%s refuses a bad %s and names its path', async (mutation, field, input) => {
    expect(await refusal(mutation, input())).toEqual({ code: 'INVALID_INPUT', field: `input.${field}` });
  });

  it.each([
    ['events(first: 0)'],
    ['events(first: 101)'],
    ['events(first: -1)'],
    ['events(after: "broken")'],
    ['events(filter: { startsAfter: "soon" })'],
    ['bookings(first: 101)'],
    ['bookings(after: "broken")'],
    ['notifications(first: 0)'],
    ['notifications(after: "broken")'],
  ])('%s is refused with BAD_USER_INPUT', async (field) => {
    const { errors } = await ada.send(`{ ${field} { nodes { id } } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it.each([
    ['a number beyond 32 bits', { input: { ...event, totalSeats: 2 ** 40 } }],
    ['a wrong type', { input: { ...event, name: { x: 1 } } }],
    ['an unknown field', { input: { ...event, hack: true } }],
    ['no input', {}],
  ])('variables with %s are refused before a subgraph is called', async (_what, variables) => {
    const { errors } = await ada.send(
      'mutation Bad($input: CreateEventInput!) { createEvent(input: $input) { __typename } }',
      variables,
    );
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it.each(['', 'no-such-id', "' OR 1=1 --", 'é'.repeat(36), randomUUID(), '🎟'])(
    'the id %j finds nothing and causes no error',
    async (id) => {
      const { data, errors } = await ada.send(
        'query Nothing($id: ID!) { event(id: $id) { id } booking(id: $id) { id } user(id: $id) { id } }',
        { id },
      );
      expect({ data, errors }).toEqual({ data: { event: null, booking: null, user: null }, errors: undefined });
      expect(await book(ada, id)).toMatchObject({ __typename: 'EventNotFoundError' });
    },
  );

  it('without a token, bookings is refused and me is null', async () => {
    const { data, errors } = await anonymous(system.graphqlUrl).send('{ me { id } bookings { nodes { id } } }');
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ path: ['bookings'], extensions: { code: 'UNAUTHENTICATED' } }]);
    expect((await anonymous(system.graphqlUrl).send('{ me { id } }')).data).toEqual({ me: null });
  });

  it.each(['{', '[]', '"x"', '{"query": 5}', '\u0000', '{"query":"{ __typename "}'])(
    'the body %j is answered with status 400 and without internal details',
    async (body) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(system.graphqlUrl, { method: 'POST', headers, body });
      expect(response.status).toBe(400);
      expect(await response.text()).not.toMatch(/node_modules|\.ts:|at /);
    },
  );

  it.each(['USERS', 'EVENTS', 'BOOKINGS'])(
    'a message in the stream %s that is not an envelope delays no other message',
    async (stream) => {
      const streams = openStreams(system);
      const { client } = await streams.broker.jetStream();
      const [subject = ''] = (await streams.info(stream)).config.subjects ?? [];
      for (const body of ['', 'null', '[]', '{"id":1}', '{'.repeat(10_000), '\u0000\uffff', 'x'.repeat(2 ** 20)]) {
        await client.publish(subject.replace('>', 'confirmed.v1'), body);
      }
      await streams.close();
      const { booking } = await book(ada, eventId);
      await vi.waitFor(async () => expect(await notificationsOf(booking.id)).toHaveLength(1), SOON);
    },
  );

  it.each(GARBAGE)('the bytes %j on the port of any service are refused', async (bytes) => {
    for (const url of Object.values(system.urls)) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      let answer = '';
      socket.on('data', (data) => {
        answer += data.toString('latin1');
      });
      socket.write(bytes);
      await once(socket, 'close');
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(answer).not.toMatch(/node_modules|\.ts:|at /);
    }
  });

  promise(
    'stops no process',
    { without: 'a process that survives', fails: /R21: no service was restarted/ },
    {
      async prove(isControl) {
        if (isControl) {
          system.kill(system.urls.notification);
          await system.restart('notification');
        }
        expect(await startTimesOf(system), 'R21: no service was restarted').toEqual(startTimes);
        for (const url of Object.values(system.urls)) expect((await fetch(`${url}/ready`)).status).toBe(200);
      },
    },
  );
});
