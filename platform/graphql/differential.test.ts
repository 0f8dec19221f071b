import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { Kind, parse } from 'graphql';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { policy as bookingPolicy } from '../../subgraphs/booking/policy.ts';
import { policy as eventPolicy } from '../../subgraphs/event/policy.ts';
import { policy as notificationPolicy } from '../../subgraphs/notification/policy.ts';
import { policy as userPolicy } from '../../subgraphs/user/policy.ts';
import { everyone, type Policy, visibleToEveryone } from '../identity/authorization.ts';
import type { Caller } from '../identity/identity.ts';
import {
  authorizationOf,
  compareSubgraphWays,
  type Scenario,
  type SubgraphRequest,
} from '../testing/compare-subgraph-ways.ts';
import { createRandom, type Random } from '../testing/random.ts';
import { createRandomOperation } from '../testing/random-operation.ts';
import { createRandomResolvers, USERS } from '../testing/random-resolvers.ts';
import { createSubgraphSchema, type RequestContext } from './graphql-server.ts';

/** Set it to the seed of a failed run to replay that run. */
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
/** The number of documents for each schema. */
const RUNS = Number(process.env.DIFFERENTIAL_RUNS ?? 80);
const TIMEOUT_MS = 60_000 + RUNS * 500;
/** A compiled document has at most three conditions, so many have few. */
const CONDITION_CHANCES = [0, 0.02, 0.02, 0.12];
/** The requests for each document, besides the one that makes it known. */
const OTHERS = 3;

interface Result {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly unknown[];
}
/** Executes the compiled operation with another context. */
type Run = (context: unknown) => Promise<Result>;

/** With `spoil` set, compiled operations give wrong results. */
const compiler = vi.hoisted(() => ({
  spoil: undefined as undefined | ((result: Result, run: Run) => Result | Promise<Result>),
}));
vi.mock('graphql-jit', async (load) => {
  const library = await load<typeof import('graphql-jit')>();
  function compileQuery(...given: Parameters<typeof library.compileQuery>) {
    const compiled = library.compileQuery(...given);
    if (!('query' in compiled)) return compiled;
    const execute = compiled.query;
    const query: typeof execute = async (root, context, variables) => {
      const run: Run = async (other) => (await execute(root, other, variables)) as Result;
      return compiler.spoil === undefined
        ? execute(root, context, variables)
        : ((await compiler.spoil(await run(context), run)) as Awaited<ReturnType<typeof execute>>);
    };
    return { ...compiled, query };
  }
  return { ...library, compileQuery };
});

const apolloAsked = vi.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
afterAll(() => apolloAsked.mockRestore());

type Context = RequestContext & {
  inventories: { load(id: string): Promise<unknown> };
  signedIn: ReadonlySet<string>;
};

/** The parts of the contexts that the policies read. */
const createContext = (request: RequestContext): Context => ({
  ...request,
  inventories: {
    async load(id) {
      const random = createRandom(SEED, id);
      return random.chance(0.9) ? { organizerId: random.pick(USERS) } : null;
    },
  },
  signedIn: new Set(['eve']),
});

const sdlOf = (name: string) =>
  readFileSync(new URL(`../../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');

/**
 * What the schemas of the subgraphs do not have. No input type contains itself, because graphql-jit would not end.
 */
const WIDE_SCHEMA = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  scalar DateTime
  scalar Anything
  enum Colour { RED GREEN BLUE }
  interface Named { name: String! friend: Cat }
  interface Aged implements Named { name: String! friend: Cat age: Int! }
  type Cat implements Named & Aged @key(fields: "id") {
    id: ID! name: String! friend: Cat age: Int! lives: [Int!]! born: DateTime
  }
  type Dog implements Named & Aged @key(fields: "id") {
    id: ID! name: String! friend: Cat age: Int! colours: [Colour]! owners(first: Int = 2, of: Colour): [Named!]
  }
  type Stone implements Named { name: String! friend: Cat weight: Float grid: [[Int!]] any: Anything }
  union Pet = Cat | Dog
  input Deep { text: String = "none", list: [Int!], nested: Inner, colour: Colour! = RED, at: DateTime, any: Anything }
  input Inner { texts: [String!], flag: Boolean = true, inner: [Innermost!] }
  input Innermost { id: ID!, ratio: Float, colours: [[Colour]] }
  type Query {
    pet(id: ID!): Pet
    pets(first: Int! = 3, colours: [Colour!] = [RED, BLUE]): [Pet]!
    named(deep: Deep): Named
    all(deep: [Deep], at: DateTime): [Named!]!
    matrix: [[Pet]]
    count(flag: Boolean, ratio: Float): Int!
    any(value: Anything): Anything
  }
  type Mutation {
    first(deep: Deep!): Pet
    second(id: ID, colour: Colour): Colour
    third: [Stone!]!
  }
`;

function openPolicy(typeDefs: string): Policy<unknown> {
  const types = parse(typeDefs).definitions.filter((node) => node.kind === Kind.OBJECT_TYPE_DEFINITION);
  const fieldsOf = (name: string) =>
    Object.fromEntries(
      (types.find((type) => type.name.value === name)?.fields ?? []).map((field) => [field.name.value, everyone]),
    );
  const others = types.map(({ name }) => name.value).filter((name) => name !== 'Query' && name !== 'Mutation');
  return {
    Query: fieldsOf('Query'),
    Mutation: fieldsOf('Mutation'),
    types: Object.fromEntries(others.map((name) => [name, visibleToEveryone])),
  };
}

const GRAPHS: readonly (readonly [name: string, typeDefs: string, policy: Policy<never>])[] = [
  ['booking', sdlOf('booking'), bookingPolicy],
  ['notification', sdlOf('notification'), notificationPolicy],
  ['user', sdlOf('user'), userPolicy],
  ['event', sdlOf('event'), eventPolicy],
  ['made-up', WIDE_SCHEMA, openPolicy(WIDE_SCHEMA)],
];

const ROOT: Caller = { userId: 'root', role: 'ADMIN' };
const NOBODY = { requestId: '0-0', clientAddress: '192.0.2.1' };
const ADMIN = { authorization: authorizationOf('root', 'ADMIN') };
const CALLERS = [{}, ...USERS.map((user) => ({ authorization: authorizationOf(user) })), ADMIN];
const BAD_CALLER = { authorization: authorizationOf('none') };

const WRONG_VARIABLES: readonly unknown[] = [
  null,
  5,
  -1,
  1.5,
  'text',
  '',
  true,
  [],
  ['RED'],
  {},
  { text: 5 },
  [null],
  2 ** 40,
];

/** Changes variables: some are left out, unknown, null or of another type. */
function changed(variables: Record<string, unknown>, random: Random): Record<string, unknown> {
  const names = Object.keys(variables);
  if (names.length === 0 || random.chance(0.4)) return variables;
  const { [random.pick(names)]: _, ...others } = variables;
  if (random.chance(0.3)) return others;
  return { ...variables, [random.chance(0.1) ? 'unknown' : random.pick(names)]: random.pick(WRONG_VARIABLES) };
}

const ODDITIES: readonly object[] = [
  { extensions: {} },
  { variables: null },
  { variables: [] },
  { operationName: 'Nobody' },
  { operationName: '' },
  { query: 5 },
  { other: true },
];

function scenarioOf(graph: ReturnType<typeof graphOf>, index: number): Scenario {
  const random = createRandom(SEED, graph.name, index);
  const { query, variables, names } = createRandomOperation(graph.schema, random, {
    conditionChance: random.pick(CONDITION_CHANCES),
  });
  const operationName = names.length > 1 || random.chance(0.5) ? random.pick(names) : undefined;
  const body = { query, variables, ...(operationName !== undefined && { operationName }) };
  const requestBy = (headers: object, changes: object = {}, id = 0): SubgraphRequest => ({
    headers: { ...headers, 'x-request-id': `${index}-${id}`, 'x-client-address': '192.0.2.1' },
    body: { ...body, ...changes },
  });
  return {
    first: requestBy(random.pick([ADMIN, ...CALLERS])),
    others: Array.from({ length: OTHERS }, (_, other) => {
      const caller = random.chance(0.03) ? BAD_CALLER : random.pick(CALLERS);
      const changes = random.chance(0.04) ? random.pick(ODDITIES) : { variables: changed(variables, random) };
      return requestBy(caller, changes, other + 1);
    }),
  };
}

function graphOf([name, typeDefs, policy]: (typeof GRAPHS)[number]) {
  const graph = { typeDefs, resolvers: createRandomResolvers(typeDefs, SEED), policy: policy as Policy<Context> };
  return { name, graph, schema: createSubgraphSchema(graph) };
}

function compare(definition: (typeof GRAPHS)[number], runs: number) {
  const made = graphOf(definition);
  const scenarios = Array.from({ length: runs }, (_, index) => scenarioOf(made, index));
  const apolloRequests = () => apolloAsked.mock.calls.length;
  return compareSubgraphWays<Context>({ graph: made.graph, createContext, scenarios, apolloRequests });
}

describe('A subgraph answers as Apollo Server and graphql-js do', () => {
  test.each(GRAPHS)(
    'with the schema and policy of %s',
    async (...definition) => {
      const { differences, answered, compared, shadowed } = await compare(definition, RUNS);
      const [first] = differences;
      if (first !== undefined) {
        const replay = `DIFFERENTIAL_SEED=${SEED} DIFFERENTIAL_RUNS=${RUNS}`;
        expect.fail(`Two answers to the same request differ. Replay: ${replay}\n${JSON.stringify(first, null, 2)}`);
      }
      expect(answered['without Apollo Server']).toBeGreaterThan(compared * 0.25);
      expect(shadowed).toBeLessThan(compared * 0.02);
    },
    TIMEOUT_MS,
  );
});

describe('The comparison', () => {
  afterEach(() => {
    compiler.spoil = undefined;
  });

  test.each<[string, NonNullable<typeof compiler.spoil>]>([
    ['loses errors', ({ errors: _, ...result }) => result],
    ['changes values', (result) => ({ ...result, data: { ...result.data, added: 1 } })],
    ['does not know the caller', (_result, run) => run(createContext({ ...NOBODY, caller: null }))],
    ['takes an admin for the caller', (_result, run) => run(createContext({ ...NOBODY, caller: ROOT }))],
  ])(
    'It fails when the compiled operation %s',
    async (_what, spoil) => {
      const [booking] = GRAPHS;
      compiler.spoil = spoil;
      const { differences } = await compare(booking as (typeof GRAPHS)[number], 30);
      expect(differences).not.toEqual([]);
    },
    TIMEOUT_MS,
  );
});
