import { expect, test, vi } from 'vitest';
import type { GraphQLAnswer } from '#platform/clients/graphql-client.ts';
import type { Fetch } from '../execution/query-plan.ts';
import { createEntityJoiner } from './entity-joiner.ts';

const NAMES = '{_entities{...on User{name}}}';
const user = (id: string) => ({ __typename: 'User', id });
const fetchOf = (query: string, ...ids: string[]): Fetch => ({
  query,
  variables: { representations: ids.map(user) },
  operationName: undefined,
});
const named = ({ variables }: Fetch): GraphQLAnswer => ({
  data: { _entities: (variables.representations as { id: string }[]).map(({ id }) => ({ name: `name of ${id}` })) },
});

function start(answer: (fetch: Fetch) => GraphQLAnswer | Promise<GraphQLAnswer> = named) {
  const ask = vi.fn(async (fetch: Fetch, _caller: { name: string; signal?: AbortSignal | undefined }) => answer(fetch));
  const join = createEntityJoiner(ask);
  return { ask, join: (query: string, ...ids: string[]) => join(fetchOf(query, ...ids), callerOf(ids)) };
}
const signal = new AbortController().signal;
const callerOf = ([first]: string[]) => ({ name: `caller of ${first}`, signal });
const names = (...ids: string[]) => ({ data: { _entities: ids.map((id) => ({ name: `name of ${id}` })) } });

test('Fetches of one turn with the same text are sent together, each entity once, and each caller gets their own entities', async () => {
  const { ask, join } = start();
  const answers = await Promise.all([join(NAMES, '1', '2'), join(NAMES, '2'), join(`${NAMES} `, '4'), join(NAMES)]);
  expect(answers).toEqual([names('1', '2'), names('2'), names('4'), names()]);
  expect(ask.mock.calls).toEqual([
    [fetchOf(NAMES, '1', '2'), { name: 'caller of 1', signal: undefined }],
    [fetchOf(`${NAMES} `, '4'), callerOf(['4'])],
  ]);
});

test('No object is shared between two callers, because each merges further fields into it', async () => {
  const { join } = start((fetch) => JSON.parse(JSON.stringify(named(fetch))));
  const [one, other] = await Promise.all([join(NAMES, '1'), join(NAMES, '1')]);
  expect(one).toEqual(other);
  const entityOf = ({ data }: GraphQLAnswer) => (data as { _entities: object[] })._entities[0];
  expect(entityOf(one as GraphQLAnswer)).not.toBe(entityOf(other as GraphQLAnswer));
});

test('An alias such as __proto__ stays a field', async () => {
  const entity = JSON.parse('{"__proto__":{"name":["Ada"]}}');
  const { join } = start(() => ({ data: { _entities: [entity] } }));
  const [one] = await Promise.all([join(NAMES, '1'), join(NAMES, '1')]);
  expect(JSON.stringify(one)).toBe('{"data":{"_entities":[{"__proto__":{"name":["Ada"]}}]}}');
});

test('A later fetch is sent by itself', async () => {
  const { ask, join } = start();
  expect([await join(NAMES, '1'), await join(NAMES, '2')]).toEqual([names('1'), names('2')]);
  expect(ask).toHaveBeenCalledTimes(2);
});

test('A joined fetch has at most 256 representations, unless one caller wants more', async () => {
  const { ask, join } = start();
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index));
  const asked = [ids(0, 200), ids(200, 256), ids(256, 257), ids(300, 600)];
  await Promise.all(asked.map((own) => join(NAMES, ...own)));
  const sizes = ask.mock.calls.map(([{ variables }]) => (variables.representations as unknown[]).length);
  expect(sizes).toEqual([256, 1, 300]);
});

test('The error of an entity goes to its caller with the index in their list, any other error to all callers', async () => {
  const errors = [
    { message: 'second', path: ['_entities', 1, 'name'] },
    { message: 'third', path: ['_entities', 2] },
    { message: 'all', path: ['_entities'] },
    { message: 'none' },
  ];
  const { join } = start((fetch) => ({ ...named(fetch), errors }));
  const [one, other, third] = await Promise.all([join(NAMES, '1', '2'), join(NAMES, '3'), join(NAMES, '4', '2')]);
  expect(third?.errors).toEqual([errors[0], ...errors.slice(2)]);
  expect(one?.errors).toEqual([errors[0], ...errors.slice(2)]);
  expect(other?.errors).toEqual([{ message: 'third', path: ['_entities', 0] }, ...errors.slice(2)]);
});

test.each([
  ['no data', { data: null, errors: [{ message: 'failed' }] }, { data: null, errors: [{ message: 'failed' }] }],
  ['a list of another length', { data: { _entities: [{ name: 'whose?' }] } }, { data: { _entities: [] } }],
  ['no list', { data: { _entities: null } }, { data: { _entities: null } }],
])('Each caller notices an answer with %s', async (_what, answer, part) => {
  const { join } = start(() => answer);
  expect(await Promise.all([join(NAMES, '1'), join(NAMES, '2')])).toEqual([part, part]);
});

test('A failure reaches every caller', async () => {
  const { join } = start(() => Promise.reject(new Error('away')));
  const outcomes = await Promise.allSettled([join(NAMES, '1'), join(NAMES, '2')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
