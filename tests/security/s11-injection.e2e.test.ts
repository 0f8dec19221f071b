import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createEvent, signUp } from '../support/client.ts';
import { connectTo } from '../support/invariants.ts';
import { openStreams } from '../support/streams.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const TEXTS = [
  `'; DROP TABLE events; --`,
  `" OR "1"="1`,
  `\\'; DELETE FROM bookings WHERE ''='`,
  '%_%',
  '{{7*7}}<script>alert(1)</script>',
  'user.>',
  'event.*.v1',
  'booking.confirmed.v1 PUB x 1',
  '__proto__',
  'constructor',
  '"},"data":{"admin":true},"x":{"',
];

describe('S11: injected text stays plain text', () => {
  let system: TestSystem;
  let ada: Client;
  beforeAll(async () => {
    system = await startTestSystem();
    ada = await signUp(system.graphqlUrl);
  });
  afterAll(() => system?.stop());

  const CREATE = `mutation ($input: CreateEventInput!) {
    createEvent(input: $input) { ... on CreateEventPayload { event { id name description venue } } ... on DomainError { code } }
  }`;
  const startsAt = new Date(Date.now() + 86_400_000).toISOString();
  const named = (nameContains: string) =>
    ada.send('query ($filter: EventFilter) { events(first: 100, filter: $filter) { nodes { id name } } }', {
      filter: { nameContains },
    });

  it.each(TEXTS)('in names, descriptions and searches: %j', async (text) => {
    const input = { name: text, description: text, venue: text, startsAt, totalSeats: 5 };
    const { event } = (await ada.send(CREATE, { input })).data.createEvent;
    expect(event).toMatchObject({ name: text, description: text, venue: text });
    const found = await named(text);
    if (/[a-z]/i.test(text)) expect(found.data.events.nodes).toEqual([{ id: event.id, name: text }]);
    else expect(found.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it('in ids, cursors and tokens, which then match nothing', async () => {
    const QUERY = `query ($id: ID!, $after: String) { event(id: $id) { id } booking(id: $id) { id } user(id: $id) { id } events(after: $after) { nodes { id } } }`;
    for (const text of [...TEXTS, 'a\u0000b', 'a\r\nb', `x' UNION SELECT 1 -- `]) {
      const { data } = await ada.send(
        'query ($id: ID!) { event(id: $id) { id } booking(id: $id) { id } user(id: $id) { id } }',
        { id: text },
      );
      expect(data).toEqual({ event: null, booking: null, user: null });
      const { errors } = await ada.send(QUERY, { id: 'x', after: text });
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      const refreshed = await ada.send(
        'mutation ($token: String!) { refreshSession(refreshToken: $token) { ... on DomainError { code } } }',
        { token: text },
      );
      expect(refreshed.data.refreshSession).toEqual({ code: 'INVALID_CREDENTIALS' });
    }
  });

  it('in an idempotency key, which may contain any visible ASCII character', async () => {
    const eventId = await createEvent(ada);
    const BOOK =
      'mutation ($input: CreateBookingInput!) { createBooking(input: $input) { ... on CreateBookingPayload { replayed } ... on DomainError { code } } }';
    for (const key of [`';DROP--TABLE`, '"}]`{x}\\', '%%%%%%%%', '________']) {
      const book = async (idempotencyKey: string) =>
        (await ada.send(BOOK, { input: { eventId, idempotencyKey } })).data.createBooking;
      expect(await book(key)).toEqual({ replayed: false });
      expect(await book(key)).toEqual({ replayed: true });
    }
  });

  it('in object keys such as __proto__, which change no prototype', async () => {
    const bodies = [
      '{"query":"{ me { id } }","variables":{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}}',
      '{"__proto__":{"query":"{ users { nodes { id } } }"},"query":"{ me { id } }"}',
      '{"query":"{ me { id } }","extensions":{"__proto__":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}}',
      '{"query":"{ constructor: me { id } }"}',
    ];
    for (const body of bodies) {
      const response = await fetch(system.graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ada.accessToken}` },
        body,
      });
      expect(response.status).toBeLessThan(500);
      expect(await response.text()).not.toContain('nodes');
    }
    const { data } = await ada.send('{ __proto__: me { id } constructor: me { id } toString: me { id } }');
    expect(Object.getOwnPropertyNames(data).sort()).toEqual(['__proto__', 'constructor', 'toString']);
    expect((await ada.send('{ me { id } }')).data.me).toEqual({ id: ada.userId });
  });

  it('in request ids and operation names, which add no header and no log line', async () => {
    const requestId = `${randomUUID()} {"level":"fatal"}`;
    const response = await fetch(system.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': requestId },
      body: JSON.stringify({ query: '{ me { id } }', operationName: 'x\r\nset-cookie: a=b' }),
    });
    expect(response.headers.get('set-cookie')).toBeNull();
    const prefix = system.natsPrefix.replace('.', '');
    const lines = globSync(`${prefix}-*.log`, { cwd: join(system.dataDir, 'logs') }).flatMap((file) =>
      readFileSync(join(system.dataDir, 'logs', file), 'utf8')
        .trim()
        .split('\n'),
    );
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ service: expect.any(String) });
    expect(lines.join('\n')).not.toContain('{\\"level\\":\\"fatal\\"}');
  });

  it('and afterwards the event table still exists, and the event stream has only known message types', async () => {
    const events = await connectTo(system.databaseUrls.event);
    const [{ count } = { count: 0 }] = await events.query<{ count: bigint }[]>('SELECT COUNT(*) AS count FROM events');
    expect(Number(count)).toBeGreaterThanOrEqual(TEXTS.length);
    await events.end();
    const streams = openStreams(system);
    const subjects = await (await streams.manager()).streams.info(streams.broker.resourceName('EVENTS'), {
      subjects_filter: '>',
    });
    expect(Object.keys(subjects.state.subjects ?? {})).toEqual([streams.broker.subject('event.created.v1')]);
    await streams.close();
  });
});
