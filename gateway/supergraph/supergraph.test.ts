import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { answer } from '../testing/stand-in.ts';
import { startTestGateway } from '../testing/test-gateway.ts';

const COMMITTED = new URL('../supergraph.graphql', import.meta.url);
const WAIT = { timeout: 4_000, interval: 50 };

let folder: string;
let path: string;
let gateway: Awaited<ReturnType<typeof startTestGateway>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supergraph-'));
  path = join(folder, 'supergraph.graphql');
  await copyFile(COMMITTED, path);
});
afterEach(async () => {
  await gateway.stop();
  await rm(folder, { recursive: true });
});

const codesOf = ({ body }: Awaited<ReturnType<typeof gateway.ask>>) =>
  body.errors?.map(({ extensions }) => extensions.code);

test('The gateway disables telemetry even if the environment enables it', async () => {
  vi.stubEnv('APOLLO_TELEMETRY_DISABLED', 'false');
  gateway = await startTestGateway();
  expect(process.env.APOLLO_TELEMETRY_DISABLED).toBe('true');
});

test('A changed supergraph is served without a restart', async () => {
  gateway = await startTestGateway({ user: answer({ data: { me: { nickname: 'Ada' } } }) }, { SUPERGRAPH_PATH: path });
  expect(codesOf(await gateway.ask('{ me { nickname } }'))).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  const changed = (await readFile(path, 'utf8')).replace(
    /(type User\b[^{]*\{)/,
    '$1\n  nickname: String @join__field(graph: USER)',
  );
  await writeFile(path, changed);
  const renamed = await vi.waitFor(async () => {
    const { body } = await gateway.ask('{ me { nickname } }');
    expect(body.errors).toBeUndefined();
    return body;
  }, WAIT);
  expect(renamed).toEqual({ data: { me: { nickname: 'Ada' } } });
});

test.each([
  ['broken', 'type Query {'],
  ['not a supergraph', 'type Query { me: Int }'],
])('A supergraph file that is %s is logged and rejected', async (_how, text) => {
  gateway = await startTestGateway({ user: answer({ data: { me: { name: 'Ada' } } }) }, { SUPERGRAPH_PATH: path });
  await writeFile(path, text);
  await vi.waitFor(() => expect(gateway.logs).toContainEqual(expect.objectContaining({ level: 'error' })), WAIT);
  expect((await gateway.ask('{ me { name } }')).body).toEqual({ data: { me: { name: 'Ada' } } });
  const { checks } = (await (await fetch(`${gateway.url}/ready`)).json()) as { checks: Record<string, object> };
  expect(checks.supergraph).toMatchObject({ status: 'down' });
});

test('A supergraph with an unknown subgraph is rejected', async () => {
  gateway = await startTestGateway({}, { SUPERGRAPH_PATH: path });
  await writeFile(path, (await readFile(path, 'utf8')).replace('name: "user"', 'name: "stranger"'));
  await vi.waitFor(() => expect(gateway.logs).toContainEqual(expect.objectContaining({ level: 'error' })), WAIT);
});

test('An operation name that the document does not have is an error of the client', async () => {
  gateway = await startTestGateway();
  const body = JSON.stringify({ query: 'query A { me { id } }', operationName: 'B' });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }] });
});

test('A date that is not a string is refused before any subgraph is asked', async () => {
  gateway = await startTestGateway({ event: answer({ data: {} }) });
  const literal = await gateway.ask('{ events(filter: { startsAfter: 5 }) { nodes { id } } }');
  expect(codesOf(literal)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  const query = 'query($after: DateTime) { events(filter: { startsAfter: $after }) { nodes { id } } }';
  expect(codesOf(await gateway.ask(query, { variables: { after: 5 } }))).toEqual(['BAD_USER_INPUT']);
  expect(gateway.standIns.event.received).toHaveLength(0);
});

test('A supergraph without mutations is served', async () => {
  const supergraph = (await readFile(COMMITTED, 'utf8'))
    .replace(/^(?:"""[^"]*"""\n)?type Mutation\n.*?\n\}\n/ms, '')
    .replace(/^ {2}mutation: Mutation\n/m, '');
  expect(supergraph).not.toMatch(/\bMutation\b/);
  await writeFile(path, supergraph);
  gateway = await startTestGateway({ user: answer({ data: { me: { name: 'Ada' } } }) }, { SUPERGRAPH_PATH: path });
  expect((await gateway.ask('{ me { name } }')).body).toEqual({ data: { me: { name: 'Ada' } } });
  const refused = await gateway.ask('mutation { signOut(refreshToken: "x") }');
  expect(refused.status).toBe(400);
  expect(refused.body.errors).toMatchObject([{ message: 'The schema does not support mutation operations.' }]);
});

test('An entity that its own subgraph does not have is null without an error, and is counted and logged', async () => {
  gateway = await startTestGateway({
    event: answer({ data: { event: { name: 'Opera', organizer: { __typename: 'User', id: '1' } } } }),
    user: answer({ data: { _entities: [null] } }),
  });
  const query = '{ event(id: "1") { name organizer { name } } }';
  const { body } = await gateway.ask(query, { headers: { 'x-request-id': 'mine' } });
  expect(body).toEqual({ data: { event: { name: 'Opera', organizer: null } } });
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(metrics).toMatch(/^gateway_emptied_fields_total\{[^}]*\} 1$/m);
  expect(gateway.logs.filter(({ msg }) => msg === 'a field is null because its entity does not exist')).toMatchObject([
    { level: 'warn', requestId: 'mine', path: ['event', 'organizer', 'name'], fields: 1 },
  ]);
});

test('A missing entity behind non-null fields only is an error', async () => {
  const event = { __typename: 'Event', id: '1' };
  gateway = await startTestGateway({
    booking: answer({ data: { setEventCapacity: { __typename: 'SetEventCapacityPayload', event } } }),
    event: answer({ data: { _entities: [null] } }),
  });
  const input = '{ eventId: "1", totalSeats: 5 }';
  const answered = await gateway.ask(
    `mutation { setEventCapacity(input: ${input}) { ... on SetEventCapacityPayload { event { name } } } }`,
  );
  expect(answered.body.data).toBeNull();
  expect(codesOf(answered)).toEqual(['INTERNAL_SERVER_ERROR']);
});
