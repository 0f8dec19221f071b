import { buildSchema, type GraphQLFormattedError } from 'graphql';
import { expect, test } from 'vitest';
import type { GatewayContext } from '../context.ts';
import { compileQueryPlan, type Fetch, type FetchAnswer, type QueryPlan } from './query-plan.ts';

const schema = buildSchema('type Query { users: [User] } type User { id: ID! name: String }');
const KEY = { kind: 'InlineFragment', typeCondition: 'User', selections: ['__typename', 'id'].map(field) };
const USERS = { kind: 'Fetch', serviceName: 'list', operationKind: 'query', operation: '{users{__typename id}}' };
const NAMES = {
  kind: 'Fetch',
  serviceName: 'names',
  operationKind: 'query',
  operation: '{_entities{...on User{name}}}',
  requires: [KEY],
};
const USERS_WITH_NAMES = {
  kind: 'Sequence',
  nodes: [USERS, { kind: 'Flatten', path: ['users', '@'], node: NAMES }],
};

function field(name: string) {
  return { kind: 'Field', name };
}

const user = (id: string) => ({ __typename: 'User', id });

/** Executes a plan. The fetches get these answers in turn, or throw them if they are errors. */
async function execute(node: object, answers: readonly (FetchAnswer | Error)[], variables = {}) {
  const asked: Fetch[] = [];
  const executePlan = compileQueryPlan({ kind: 'QueryPlan', node } as QueryPlan, { schema, publicFields: new Set() });
  const { data, errors = [] } =
    (await executePlan?.({
      variables,
      context: {} as GatewayContext,
      async fetchFrom(_name, fetch) {
        const answered = answers[asked.push(fetch) - 1] as FetchAnswer | Error;
        if (answered instanceof Error) throw answered;
        return JSON.parse(JSON.stringify(answered));
      },
    })) ?? {};
  return {
    data: JSON.parse(JSON.stringify(data)),
    errors: errors.map(({ path, message }) => ({ path, message })),
    asked,
  };
}

const failed = (...path: (string | number)[]): GraphQLFormattedError => ({ message: 'failed', path });

test('Each entity is requested once and merged into all its places', async () => {
  const users = [user('1'), null, user('2')];
  const { data, errors, asked } = await execute(USERS_WITH_NAMES, [
    { data: { users } },
    { data: { _entities: [{ name: 'one' }, { name: 'two' }] } },
  ]);
  expect(asked[1]?.variables).toEqual({ representations: [user('1'), user('2')] });
  expect(data).toEqual({ users: [{ ...user('1'), name: 'one' }, null, { ...user('2'), name: 'two' }] });
  expect(errors).toEqual([]);
});

test('A null entity does not change its object', async () => {
  const answers = [{ data: { users: [user('1')] } }, { data: { _entities: [null] } }];
  expect((await execute(USERS_WITH_NAMES, answers)).data).toEqual({ users: [user('1')] });
});

test('An entity without its key is not requested, and the errors of the others have the right paths', async () => {
  const users = [{ __typename: 'User' }, user('2'), { __typename: 'User', id: '3' }];
  const { asked, errors } = await execute(USERS_WITH_NAMES, [
    { data: { users } },
    { data: { _entities: [null, null] }, errors: [failed('_entities', 0, 'name'), failed('_entities', 1, 'name')] },
  ]);
  expect(asked[1]?.variables).toEqual({ representations: [user('2'), user('3')] });
  expect(errors.map(({ path }) => path)).toEqual([
    ['users', 1, 'name'],
    ['users', 2, 'name'],
  ]);
});

test('No entities are requested from a subgraph when there are none', async () => {
  expect((await execute(USERS_WITH_NAMES, [{ data: { users: [] } }])).asked).toHaveLength(1);
  expect((await execute(USERS_WITH_NAMES, [{ data: { users: null } }])).asked).toHaveLength(1);
});

test.each([[null], [{}], [[null]], [[null, null, null]]])('Wrong entities cause one error: %j', async (_entities) => {
  const { data, errors } = await execute(USERS_WITH_NAMES, [
    { data: { users: [user('1'), user('2')] } },
    { data: { _entities } },
  ]);
  expect(data).toEqual({ users: [user('1'), user('2')] });
  expect(errors).toEqual([{ message: expect.stringMatching('^A subgraph answered') }]);
});

test('A failed fetch causes an error, and the data of parallel fetches is kept', async () => {
  const beside = { ...USERS, serviceName: 'beside' };
  const { data, errors } = await execute({ kind: 'Parallel', nodes: [USERS, beside] }, [
    new Error('broken'),
    { data: { users: [] } },
  ]);
  expect({ data, errors }).toEqual({ data: { users: [] }, errors: [{ message: 'broken' }] });
});

test('Lists of the same length are merged item by item, others are replaced', async () => {
  const merged = async (other: unknown) => {
    const plan = { kind: 'Sequence', nodes: [USERS, USERS] };
    return (await execute(plan, [{ data: { users: [user('1')] } }, { data: { users: other } }])).data.users;
  };
  expect(await merged([{ name: 'one' }])).toEqual([{ ...user('1'), name: 'one' }]);
  expect(await merged([{ name: 'one' }, { name: 'two' }])).toEqual([{ name: 'one' }, { name: 'two' }]);
  expect(await merged(null)).toBeNull();
});

test('A key __proto__ in an answer does not change a prototype', async () => {
  const data = JSON.parse('{"users": {"__proto__": {"polluted": true}, "constructor": {"prototype": {"x": 1}}}}');
  const plan = { kind: 'Sequence', nodes: [USERS, USERS] };
  const result = await execute(plan, [{ data }, { data }]);
  expect(JSON.stringify(result.data)).toBe(JSON.stringify(data));
  expect({}).not.toHaveProperty('polluted');
  expect(Object.prototype).not.toHaveProperty('x');
});

test.each([
  ['an object instead of a list', { users: user('1') }],
  ['a text instead of a list', { users: 'text' }],
])('There is no result when a subgraph answered with %s', async (_what, data) => {
  await expect(execute(USERS_WITH_NAMES, [{ data }])).rejects.toThrow('wrong type');
});

test('A condition selects one branch and must be a Boolean', async () => {
  const plan = { kind: 'Condition', condition: 'yes', ifClause: USERS };
  const answers = [{ data: { users: [] } }];
  expect((await execute(plan, answers, { yes: true })).asked).toHaveLength(1);
  expect((await execute(plan, answers, { yes: false })).asked).toHaveLength(0);
  await expect(execute(plan, answers, { yes: null })).rejects.toThrow('not a Boolean');
});

test('A variable that the client named representations does not replace our own', async () => {
  const node = { ...NAMES, variableUsages: ['representations'] };
  const plan = { kind: 'Sequence', nodes: [USERS, { kind: 'Flatten', path: ['users', '@'], node }] };
  const { asked, errors } = await execute(plan, [{ data: { users: [user('1')] } }], { representations: 1 });
  expect(asked).toHaveLength(1);
  expect(errors).toEqual([{ message: expect.stringContaining('representations') }]);
});

test('A subgraph gets only the variables that the client gave', async () => {
  const plan = { ...USERS, variableUsages: ['a', 'b', 'toString'] };
  expect((await execute(plan, [{ data: {} }], { a: null, c: 1 })).asked[0]?.variables).toEqual({ a: null });
});
