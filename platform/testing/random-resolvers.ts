import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
} from 'graphql';
import { badUserInput, forbidden, rateLimited, unauthenticated, unavailable } from '../errors/errors.ts';
import type { RequestContext } from '../graphql/graphql-server.ts';
import { DateTime } from '../graphql/scalars.ts';
import { createRandom, type Random } from './random.ts';

/** Users of the tests. Random objects belong to them. */
export const USERS = ['ada', 'bob', 'eve'];

/** Fields that the parent object contains. All other fields with selections have resolvers. */
const CONTAINED: ReadonlySet<string> = new Set(['node', 'nodes', 'edges', 'pageInfo']);

/**
 * The faults of one request. graphql-js leaves a rejection unhandled when a field that must not be null fails while
 * another one is pending, so each request has only some of the combinations: `calm` has no fault in a field that must
 * not be null, `sync` has no promises, and in `async` only promises fail where null is not allowed.
 */
interface Kind {
  readonly mode: 'calm' | 'sync' | 'async';
  readonly refuse: (typeof REFUSALS)[number];
}

type Resolver = (source: unknown, args: unknown, context: RequestContext) => unknown;

const fault = (message: string, extra: object = {}) => Object.assign(new Error(message), extra);

const FAULTS = [
  () => badUserInput('The argument is wrong.'),
  forbidden,
  unavailable,
  () => unavailable(fault('the cause'), 3),
  () => fault('a secret'),
  () => new TypeError('another secret'),
  () => fault('the database is away', { code: 'ECONNREFUSED' }),
  () => fault('an error with extensions', { extensions: { code: 'FORBIDDEN', retryAfter: 1 } }),
  () => new GraphQLError('a foreign code', { extensions: { code: 'FOREIGN' } }),
  () => new GraphQLError('no code'),
  () => new GraphQLError('a cause', { originalError: fault('behind it', { code: 'ECONNRESET' }) }),
];
/**
 * Faults that set the status of the answer. A request has only one kind: the last error sets the status, and the order of
 * errors is not defined.
 */
const REFUSALS = [
  unauthenticated,
  () => rateLimited(7),
  () => new GraphQLError('a status', { extensions: { code: 'FORBIDDEN', http: { status: 418 } } }),
] as const;
const NO_ERRORS: readonly unknown[] = ['a thrown text', { message: 'a thrown object' }];

const WRONG_VALUES: readonly unknown[] = [7, -1.5, Number.NaN, 2 ** 40, 'text', '', true, [], {}, [null], new Date(0)];

/**
 * Creates resolvers for a subgraph that return random values and faults. The same request (its id, caller, field and
 * arguments) gets the same result each time.
 */
export function createRandomResolvers(typeDefs: string, seed: unknown): Record<string, object> {
  const schema = buildSubgraphSchema([{ typeDefs: parse(typeDefs) }]);
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('_'));
  const kindOf = ({ requestId, caller }: RequestContext): Kind => {
    const random = createRandom(seed, requestId);
    // The policies refuse anonymous callers in the same way.
    const refuse = caller === null ? unauthenticated : random.pick(REFUSALS);
    return { mode: random.pick(['calm', 'sync', 'async']), refuse };
  };
  const keyOf = (source: unknown, { requestId, caller }: RequestContext) =>
    (source as { key?: string } | null | undefined)?.key ??
    [seed, requestId, caller?.userId, caller?.role, String(source)].join();

  /** True for a field that is a property of the parent object. */
  const isContained = ({ name, type }: GraphQLField<unknown, unknown>, parent: GraphQLObjectType): boolean =>
    CONTAINED.has(name) || (isLeafType(getNamedType(type)) && createRandom(seed, parent.name, name).chance(0.6));

  const resolverOf =
    ({ name, type }: GraphQLField<unknown, unknown>): Resolver =>
    (source, args, context) =>
      randomOutcome(type, createRandom(keyOf(source, context), name, textOf(args)), kindOf(context));

  function randomOutcome(type: GraphQLOutputType, random: Random, kind: Kind): unknown {
    const mayFail = !isNonNullType(type) || kind.mode !== 'calm';
    const isPromised = kind.mode !== 'sync' && (random.chance(0.4) || (kind.mode === 'async' && isNonNullType(type)));
    const roll = mayFail ? random.below(100) : 100;
    const outcome = (): unknown => {
      if (roll < 4) throw randomError(random, kind);
      if (roll < 5) return randomFault(random, kind);
      if (roll < 6) return undefined;
      return randomValue(type, random, kind);
    };
    return isPromised ? later(random).then(outcome) : outcome();
  }

  function randomValue(type: GraphQLOutputType, random: Random, kind: Kind, isRight = false): unknown {
    if (isNonNullType(type)) {
      return kind.mode === 'sync' && random.chance(0.005) ? null : randomValue(type.ofType, random, kind, true);
    }
    if (!isRight && random.chance(0.06)) return null;
    if ((!isRight || kind.mode === 'sync') && random.chance(0.01)) return random.pick(WRONG_VALUES);
    if (isListType(type)) return randomList(type.ofType, random, kind);
    if (isEnumType(type)) return random.pick(type.getValues()).value;
    if (isObjectType(type)) return randomObject(type, random, kind);
    if (isAbstractType(type)) return randomObject(random.pick(schema.getPossibleTypes(type)), random, kind);
    if (type.name === 'DateTime') return new Date(random.below(2 ** 31) * 1_000);
    const number = random.below(1_000);
    return (
      { Int: number, Float: number / 8, Boolean: number % 2 === 0, ID: `id-${number % 5}` }[type.name] ??
      `text ${number}`
    );
  }

  function randomList(type: GraphQLOutputType, random: Random, kind: Kind): unknown {
    const mayFail = !isNonNullType(type) || kind.mode === 'sync';
    const items = Array.from({ length: random.below(4) }, () =>
      mayFail && random.chance(0.01) ? randomFault(random, kind) : randomValue(type, random, kind),
    );
    return random.chance(0.05) ? new Set(items) : items;
  }

  function randomObject(type: GraphQLObjectType, random: Random, kind: Kind): object {
    const key = `${type.name} ${random.below(2 ** 32)}`;
    const own = createRandom(key);
    const object = {
      key,
      __typename: kind.mode !== 'sync' || own.chance(0.99) ? type.name : own.pick(['Nothing', 'Query', undefined]),
      userId: own.pick(USERS),
      ownerId: own.pick([...USERS, null]),
      eventId: `event-${own.below(3)}`,
      id: own.pick([...USERS, 'id-1', 'id-2']),
    };
    for (const field of Object.values(type.getFields())) {
      if (field.name === 'id' || !isContained(field, type)) continue;
      const mayFail = !isNonNullType(field.type) || kind.mode === 'sync';
      const value = mayFail && own.chance(0.01) ? randomFault(own, kind) : randomValue(field.type, own, kind);
      Object.defineProperty(object, field.name, { value, enumerable: true });
    }
    return object;
  }

  const resolversOf = (type: GraphQLObjectType) => ({
    ...Object.fromEntries(
      Object.values(type.getFields())
        .filter(({ name }) => !name.startsWith('_'))
        .filter((field) => type.name === 'Query' || type.name === 'Mutation' || !isContained(field, type))
        .map((field) => [field.name, resolverOf(field)]),
    ),
    ...(isEntity(type) && {
      __resolveReference: (reference: object, context: RequestContext) => {
        const random = createRandom(keyOf(undefined, context), type.name, textOf(reference));
        return randomOutcome(type, random, kindOf(context));
      },
    }),
  });

  const resolvers = types.filter(isObjectType).map((type) => [type.name, resolversOf(type)] as const);
  return { ...Object.fromEntries(resolvers), ...(schema.getType('DateTime') && { DateTime }) };
}

/** The JSON of a value, with the keys of objects in alphabetical order. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );

const isEntity = ({ astNode, extensionASTNodes }: GraphQLObjectType) =>
  [astNode, ...(extensionASTNodes ?? [])].some((node) => node?.directives?.some(({ name }) => name.value === 'key'));

const randomFault = (random: Random, { refuse }: Kind): unknown => random.pick([...FAULTS, refuse, refuse])();

const randomError = (random: Random, kind: Kind): unknown =>
  random.chance(0.05) ? random.pick(NO_ERRORS) : randomFault(random, kind);

/** Settles after this turn of the event loop, or after one of the next. */
async function later(random: Random): Promise<void> {
  for (let turns = random.below(3); turns > 0; turns -= 1) await new Promise(setImmediate);
}
