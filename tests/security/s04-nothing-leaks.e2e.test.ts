import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { SUBGRAPHS, type SubgraphName } from '#services';
import { answer, type Behaviour, hang, hangUp } from '../../gateway/testing/stand-in.ts';
import { startTestGateway } from '../../gateway/testing/test-gateway.ts';
import { type Client, createEvent, signUp, signUpAdmin } from '../support/client.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';
import { expectNoLeak, leaksIn, type Seen, seenOf } from './leaks.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const SEATS = 'query Seats($id: ID!) { event(id: $id) { name availableSeats } }';
const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) { ... on CreateBookingPayload { booking { id } } ... on DomainError { code } }
}`;

describe('S4: no internal details leak in production', () => {
  let system: TestSystem;
  let ada: Client;
  let eventId: string;
  let ports: string[];

  beforeAll(async () => {
    system = await startTestSystem({
      production: true,
      env: { SUBGRAPH_QUERY_TIMEOUT_MS: '1000', SUBGRAPH_TIMEOUT_MS: '1000', OPERATION_TIMEOUT_MS: '2000' },
    });
    ada = await signUp(system.graphqlUrl);
    eventId = await createEvent(ada);
    const addresses = [
      ...Object.values(system.urls),
      ...Object.values(system.databaseUrls),
      system.redisUrl,
      system.natsUrl,
    ];
    ports = addresses.map((url) => new URL(url).port);
  });
  afterAll(() => system?.stop());

  const send = (init: RequestInit, path = '/graphql') => fetch(system.urls.gateway + path, init).then(seenOf);
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    send({
      method: 'POST',
      headers: { ...JSON_TYPE, authorization: `Bearer ${ada.accessToken}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const codesOf = ({ text }: Seen): string[] =>
    (JSON.parse(text).errors ?? []).map(({ extensions }: { extensions: { code: string } }) => extensions.code);

  const paths: [what: string, codes: RegExp, request: () => Promise<Seen>][] = [
    [
      'introspection of the schema',
      /^GRAPHQL_VALIDATION_FAILED$/,
      () => post({ query: '{ __schema { types { name } } }' }),
    ],
    [
      'introspection of a type',
      /^GRAPHQL_VALIDATION_FAILED$/,
      () => post({ query: '{ __type(name: "User") { name } }' }),
    ],
    [
      'a subgraph’s own schema',
      /^GRAPHQL_VALIDATION_FAILED$/,
      () => post({ query: '{ _service { sdl } }' }).then(withoutEcho),
    ],
    ['a syntax error', /^GRAPHQL_PARSE_FAILED$/, () => post({ query: '{ me { id }' })],
    ['a misspelled field', /^GRAPHQL_VALIDATION_FAILED$/, () => post({ query: '{ mee { id } }' })],
    ['a misspelled argument', /^GRAPHQL_VALIDATION_FAILED\b/, () => post({ query: '{ event(idd: "x") { name } }' })],
    [
      'a misspelled enum value',
      /^GRAPHQL_VALIDATION_FAILED$/,
      () => post({ query: '{ events(filter: { status: SCHEDULE }) { nodes { id } } }' }),
    ],
    [
      'a misspelled type',
      /^GRAPHQL_VALIDATION_FAILED/,
      () => post({ query: 'query ($x: CreateBookingInputs) { me { id } }' }),
    ],
    ['a variable of the wrong type', /^BAD_USER_INPUT$/, () => post({ query: SEATS, variables: { id: { a: 1 } } })],
    [
      'a variable with a misspelled field',
      /^BAD_USER_INPUT/,
      () => post({ query: BOOK, variables: { input: { eventID: 'x' } } }),
    ],
    ['an unknown operation', /^OPERATION_RESOLUTION_FAILURE$/, () => post({ query: SEATS, operationName: 'Other' })],
    ['a changed cursor', /^BAD_USER_INPUT$/, () => post({ query: '{ bookings(after: "WyJ4Il0") { nodes { id } } }' })],
    ['a length out of bounds', /^BAD_USER_INPUT$/, () => post({ query: '{ bookings(first: 101) { nodes { id } } }' })],
    ['an operation for admins', /^FORBIDDEN$/, () => post({ query: '{ users { nodes { id } } }' })],
    ['a bad token', /^UNAUTHENTICATED$/, () => post({ query: '{ me { id } }' }, { authorization: 'Bearer a.b.c' })],
    ['invalid JSON', /^BAD_REQUEST$/, () => post('{"query":')],
    ['JSON without an operation', /^BAD_REQUEST$/, () => post('null')],
    ['an array', /^BAD_REQUEST$/, () => post([{ query: '{ me { id } }' }])],
    ['another content type', /^BAD_REQUEST$/, () => post('<x/>', { 'content-type': 'application/xml' })],
    ['a body that is too long', /^BAD_REQUEST$/, () => post({ query: `{ me { id } } #${'x'.repeat(300_000)}` })],
    [
      'a mutation by GET',
      /^BAD_REQUEST$/,
      () =>
        send(
          { headers: { 'apollo-require-preflight': '1' } },
          '/graphql?query=mutation%7BsignOut(refreshToken:%22x%22)%7D',
        ),
    ],
    ['another method', /^BAD_REQUEST$/, () => send({ method: 'DELETE' })],
    ['another path', /^BAD_REQUEST$/, () => send({}, '/admin/../../etc/passwd')],
    ['the explorer', /^BAD_REQUEST$/, () => send({}, '/graphiql')],
    ['a path with an invalid escape', /^BAD_REQUEST$/, () => send({}, '/%E0%A4%A')],
    [
      'a persisted query of another version',
      /^BAD_REQUEST$/,
      () => post({ query: '{ me { id } }', extensions: { persistedQuery: { version: 2, sha256Hash: 'x' } } }),
    ],
  ];
  it.each(paths)('in the answer to %s', async (_what, codes, request) => {
    const seen = await request();
    expectNoLeak(seen, ports);
    expect(codesOf(seen).join()).toMatch(codes);
    expect(seen.status).toBeLessThan(500);
  });

  it('in the answer to a request that is not HTTP', async () => {
    const { connect } = await import('node:net');
    const said = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(system.urls.gateway).port), '127.0.0.1', () =>
        socket.write('NO HTTP\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (chunk) => (text += chunk)).on('close', () => resolve(text));
    });
    expect(said).toMatch(/^HTTP\/1.1 400/);
    expectNoLeak({ status: 400, headers: new Headers(), text: said }, ports);
  });

  it('when a subgraph hangs: its fields are SERVICE_UNAVAILABLE', async () => {
    system.pause(system.urls.booking);
    for (const body of [{ query: SEATS, variables: { id: eventId } }, { query: '{ bookings { nodes { id } } }' }]) {
      const seen = await post(body);
      expectNoLeak(seen, ports);
      expect(codesOf(seen)).toEqual(['SERVICE_UNAVAILABLE']);
    }
    system.resume(system.urls.booking);
    const replica = await system.startReplica('booking');
    system.kill(replica);
    await expect
      .poll(() =>
        fetch(`${replica}/health`).then(
          () => 'up',
          () => 'down',
        ),
      )
      .toBe('down');
  });

  it('when a database is down, in any query or mutation', async () => {
    const admin = await signUpAdmin(system);
    const id = 'f3b0c1d2-0000-7000-8000-000000000000';
    const input = { eventId, seatCount: 1, idempotencyKey: 'a-key-of-this-test' };
    const person = { name: 'Eve', email: 'eve@shop.example', password: 'correct horse battery' };
    const change = { currentPassword: person.password, newPassword: person.password };
    const event = { name: 'Opera', startsAt: '2040-01-01T00:00:00Z', totalSeats: 5 };
    const operations: Record<SubgraphName, [query: string, variables?: object][]> = {
      user: [
        ['{ me { id } }'],
        ['{ users { nodes { id } } }'],
        ['mutation ($input: CreateUserInput!) { createUser(input: $input) { __typename } }', { input: person }],
        ['mutation { signIn(input: { email: "eve@shop.example", password: "x" }) { __typename } }'],
        ['mutation { refreshSession(refreshToken: "x") { __typename } }'],
        ['mutation { signOut(refreshToken: "x") }'],
        [`mutation { endSession(id: "${id}") }`],
        ['mutation { signOutEverywhere }'],
        ['mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { __typename } }', { input: change }],
        ['mutation { requestPasswordReset(email: "eve@shop.example") }'],
        [`mutation { resetPassword(input: { token: "x", newPassword: "${person.password}" }) { __typename } }`],
        ['mutation { requestEmailVerification }'],
        ['mutation { verifyEmail(token: "x") { __typename } }'],
        ['mutation { deleteAccount(input: { password: "x" }) { __typename } }'],
      ],
      event: [
        [`{ event(id: "${id}") { id } }`],
        ['{ events { nodes { id } } }'],
        ['mutation ($input: CreateEventInput!) { createEvent(input: $input) { __typename } }', { input: event }],
        [`mutation { updateEvent(input: { id: "${eventId}", expectedVersion: 1, name: "x" }) { __typename } }`],
        [`mutation { cancelEvent(input: { id: "${eventId}", expectedVersion: 1 }) { __typename } }`],
      ],
      booking: [
        [`{ booking(id: "${id}") { id } }`],
        ['{ bookings { nodes { id } } }'],
        [BOOK, { input }],
        [`mutation { cancelBooking(input: { id: "${id}" }) { __typename } }`],
        [`mutation { setEventCapacity(input: { eventId: "${eventId}", totalSeats: 5 }) { __typename } }`],
      ],
      notification: [
        ['{ notifications { nodes { id } } }'],
        ['{ deadLetters { nodes { id } } }'],
        [`mutation { redriveDeadLetter(id: "${id}") { __typename } }`],
        [`mutation { retryNotification(id: "${id}") { __typename } }`],
      ],
    };
    const cutOff = async (name: SubgraphName) => {
      const database = await createProxy(system.databaseUrls[name]);
      const url = await system.startReplica(name, { databaseUrl: database.url });
      database.cut();
      const headers = {
        ...JSON_TYPE,
        authorization: `Bearer ${admin.accessToken}`,
        [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs[name],
      };
      const allPorts = [...ports, new URL(database.url).port, new URL(url).port];
      const ask = async ([query, variables]: [query: string, variables?: object]) => {
        const body = JSON.stringify({ query, variables });
        const seen = await fetch(`${url}/graphql`, { method: 'POST', headers, body }).then(seenOf);
        expectNoLeak(seen, allPorts);
        expect({ query, codes: codesOf(seen) }).toEqual({ query, codes: ['SERVICE_UNAVAILABLE'] });
      };
      await Promise.all(operations[name].map(ask));
      const ready = await fetch(`${url}/ready`).then(seenOf);
      expect(ready.status).toBe(503);
      expect(leaksIn(ready, allPorts).filter((leak) => !/^(ER_|E)/.test(leak))).toEqual([]);
      database.close();
      system.kill(url);
    };
    await Promise.all(SUBGRAPHS.map(cutOff));
  });

  it('when an internal error occurs: the answer has an error id, and the log has the details', async () => {
    // Clients cannot cause an internal error. This breaks the table that the next query reads.
    const { connectTo } = await import('../support/invariants.ts');
    const owner = await connectTo(system.ownerUrl('notification'));
    await owner.query('ALTER TABLE notifications RENAME COLUMN seat_count TO seats');
    try {
      const seen = await post({ query: '{ notifications { nodes { id } } }' });
      expectNoLeak(seen, ports);
      const [error] = JSON.parse(seen.text).errors;
      expect(error.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) });
      const log = join(system.dataDir, 'logs', `${system.natsPrefix.replace('.', '')}-gateway.log`);
      await expect.poll(() => readFileSync(log, 'utf8').includes(error.extensions.errorId)).toBe(true);
    } finally {
      await owner.query('ALTER TABLE notifications RENAME COLUMN seats TO seat_count');
      await owner.end();
    }
  });

  it.each([
    ['a stack', 'Error: no\n    at book (file:///app/subgraphs/booking/main.ts:3:9)'],
    ['a statement', 'SELECT id FROM bookings WHERE id = 1'],
    ['an address', 'connect ECONNREFUSED 127.0.0.1:4003'],
    ['a suggestion', 'Cannot query field "mee". Did you mean "me"?'],
  ])('control: the check finds %s', (_what, text) => {
    expect(leaksIn({ headers: new Headers(), text })).not.toEqual([]);
    expect(leaksIn({ headers: new Headers({ server: 'x' }), text: '' })).not.toEqual([]);
  });
});

const FAULT = {
  message: 'ER_NO_SUCH_TABLE: SELECT * FROM users at 10.0.0.7:3306',
  extensions: { code: 'DATABASE', stacktrace: ['Error: no', '    at find (file:///app/subgraphs/user/main.ts:3:9)'] },
};
const say =
  (text: string | Buffer, statusCode = 200, headers = {}): Behaviour =>
  (_request, response) =>
    response.writeHead(statusCode, headers).end(text);

/** Broken answers of a subgraph, with the error code that the client gets. */
const BROKEN_ANSWERS: [what: string, behaviour: Behaviour, code: RegExp][] = [
  ['an HTML page about an error', say(`<pre>${FAULT.message}\n${FAULT.extensions.stacktrace}</pre>`, 500), /^SERVICE_/],
  ['an error with its stack', answer({ data: null, errors: [FAULT] }), /^INTERNAL_/],
  ['a closed connection', hangUp, /^SERVICE_/],
  ['an error at a field', answer({ data: { me: null }, errors: [{ ...FAULT, path: ['me'] }] }), /^INTERNAL_/],
  ['nothing', hang, /^SERVICE_/],
  ['malformed errors', answer({ data: { me: null }, errors: [null, 5, 'x', {}] }), /^INTERNAL_/],
  ['an incomplete answer', say('{"data":', 200, { 'content-length': 100 }), /^SERVICE_/],
  ['a text instead of an object', answer({ data: { me: 'SELECT 1 FROM users' } }), /^INTERNAL_/],
  ['bytes that are not text', say(Buffer.from([0xff, 0xfe, 0])), /^SERVICE_/],
  [
    'a refusal of the gateway’s proof',
    answer({ errors: [{ message: 'x', extensions: { code: 'FORBIDDEN' } }] }, 403),
    /^INTERNAL_/,
  ],
  ['a redirect', say('', 302, { location: 'http://127.0.0.1:1/' }), /^SERVICE_/],
];

describe('S4: a gateway in production passes on no details from a broken subgraph', () => {
  let behave: Behaviour = hang;
  let gateway: Awaited<ReturnType<typeof startTestGateway>>;
  beforeAll(async () => {
    gateway = await startTestGateway(
      { user: (request, response) => behave(request, response) },
      { NODE_ENV: 'production', RATE_LIMITS: 'on', SUBGRAPH_QUERY_TIMEOUT_MS: '300' },
    );
  });
  afterAll(() => gateway.stop());

  it.each(BROKEN_ANSWERS)('when the subgraph answers with %s', async (_what, behaviour, code) => {
    behave = behaviour;
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: '{"query":"{ me { id } }"}',
    });
    const seen = await seenOf(response);
    expectNoLeak(seen, [new URL(gateway.url).port, new URL(gateway.standIns.user.url).port, '3306']);
    const { errors } = JSON.parse(seen.text);
    expect(errors).not.toEqual([]);
    for (const { extensions } of errors) {
      expect(extensions.code).toMatch(code);
      const isFault = extensions.code === 'INTERNAL_SERVER_ERROR';
      expect(gateway.logs.some((line) => JSON.stringify(line).includes(`"${extensions.errorId}"`))).toBe(isFault);
    }
  });
});

/** Removes the requested name, which is the only one that the refusal may repeat. */
const withoutEcho = (seen: Seen): Seen => ({
  ...seen,
  text: seen.text.replace('"_service\\"', '"x\\"').replace('\\"_service\\"', 'x'),
});
