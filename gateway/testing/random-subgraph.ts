import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type DocumentNode,
  execute,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLTypeResolver,
  isEnumType,
  isListType,
  isNonNullType,
  isScalarType,
  parse,
  responsePathAsArray,
  validate,
} from 'graphql';
import { createRandom, type Random } from '#platform/testing/random.ts';
import type { SubgraphName } from '#services';
import { answer, type Behaviour, hangUp } from './stand-in.ts';

/** The kinds of faults in the answers of a random subgraph. */
export type Fault = (typeof FAULTS)[number]['name'] | 'hang up' | 'no JSON' | 'status';

type Data = Record<string, unknown>;
interface Answer {
  data?: unknown;
  errors?: unknown[];
}
/** A value in an answer, and the object or list that contains it. */
interface Place {
  readonly holder: Data;
  readonly key: string;
  readonly path: readonly (string | number)[];
}

const CODES = [
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'GRAPHQL_VALIDATION_FAILED',
  'INVALID_GRAPHQL',
  'ECONNRESET',
  'FOREIGN',
  undefined,
];
const WRONG_VALUES = ['null', '7', '-1.5', '1e999', '"text"', '""', 'true', 'false', '[]', '{}', '[[]]', '[null]', '0'];
const WRONG_TYPENAMES = [
  'Nothing',
  'DomainError',
  'String',
  'Query',
  'User',
  'Event',
  '__Type',
  'toString',
  '',
  5,
  null,
];

/**
 * Creates the behaviour of a subgraph that executes its real schema with random values. The same request always gets
 * the same answer. Some answers are faulty. For each of them, `onFault` is called with the id of the client's request.
 */
export function createRandomSubgraph({
  name,
  seed,
  faultChance,
  onFault,
}: {
  name: SubgraphName;
  seed: number;
  faultChance: number;
  onFault: (requestId: string, fault: Fault) => void;
}): Behaviour {
  const sdl = readFileSync(new URL(`../../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');
  const schema = buildSubgraphSchema([{ typeDefs: parse(sdl) }]);

  /** Returns the document of a query, or its errors. */
  const read = memoize((query: string): { document?: DocumentNode; errors: readonly GraphQLError[] } => {
    try {
      const document = parse(query);
      return { document, errors: validate(schema, document) };
    } catch (error) {
      return { errors: [error as GraphQLError] };
    }
  });

  async function execution(query: string, variables: Data, random: Random): Promise<Answer> {
    const { document, errors } = read(query);
    if (document === undefined || errors.length > 0) return { errors: [...errors] };
    const contextValue = random.below(2 ** 32);
    const result = await execute({
      schema,
      document,
      variableValues: variables,
      contextValue,
      fieldResolver,
      typeResolver,
    });
    return JSON.parse(JSON.stringify(result));
  }

  return async (request, response) => {
    const { query, variables, headers } = request;
    const random = createRandom(seed, name, query, JSON.stringify(variables));
    const result = await execution(query, variables, random);
    const tell = (fault: Fault) => onFault(String(headers['x-request-id']), fault);
    if (query === '{__typename}' || !random.chance(faultChance)) return answer(result)(request, response);
    if (random.chance(0.05)) {
      tell('hang up');
      return hangUp(request, response);
    }
    if (random.chance(0.05)) {
      tell('no JSON');
      return response.end('<html>');
    }
    for (let count = 1 + random.below(3); count > 0; count -= 1) {
      const { name: fault, spoil } = random.pick(FAULTS);
      if (spoil(result, random)) tell(fault);
    }
    const status = random.chance(0.05) ? 500 : 200;
    // JSON allows numbers that are too large for JavaScript, but JSON.stringify cannot write them.
    const text = JSON.stringify(result).replaceAll('"Infinity"', '1e999');
    return response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };
}

const fieldResolver: GraphQLFieldResolver<Data, number> = (source, _args, base, { fieldName, returnType, path }) => {
  if (source && Object.hasOwn(source, fieldName)) return source[fieldName];
  const random = createRandom(base, ...responsePathAsArray(path));
  if (random.chance(0.02)) throw new GraphQLError('The field failed.', { extensions: randomExtensions(random) });
  return randomValue(returnType, random);
};

const typeResolver: GraphQLTypeResolver<Data, number> = (value, base, { schema, path }, type) =>
  typeof value.__typename === 'string'
    ? value.__typename
    : createRandom(base, 'type', ...responsePathAsArray(path)).pick(schema.getPossibleTypes(type)).name;

function randomValue(type: GraphQLOutputType, random: Random): unknown {
  if (isNonNullType(type)) return random.chance(0.005) ? null : randomValue(type.ofType, random);
  if (random.chance(0.08)) return null;
  if (isListType(type)) return Array.from({ length: random.below(4) }, () => randomValue(type.ofType, random));
  if (isEnumType(type)) return random.pick(type.getValues()).value;
  if (!isScalarType(type)) return {};
  const number = random.below(1_000);
  return { Int: number, Boolean: number % 2 === 0, ID: `id-${number % 5}` }[type.name] ?? `text ${number}`;
}

const randomExtensions = (random: Random): Data => ({
  code: random.pick(CODES),
  ...(random.chance(0.2) && { retryAfter: random.below(9) }),
  ...(random.chance(0.1) && { http: { status: random.pick([401, 418, 503]) } }),
});

function memoize<Value>(compute: (key: string) => Value): (key: string) => Value {
  const values = new Map<string, Value>();
  return (key) => {
    const value = values.get(key) ?? compute(key);
    values.set(key, value);
    return value;
  };
}

/** The faults. Each changes an answer and returns whether it found a value to change. */
const FAULTS = [
  fault('wrong value', ({ holder, key }, random) => {
    const text = random.pick(WRONG_VALUES);
    holder[key] = text === '1e999' ? 'Infinity' : JSON.parse(text);
  }),
  fault('missing key', ({ holder, key }) => {
    delete holder[key];
  }),
  fault('one in a list', ({ holder, key }) => {
    holder[key] = [holder[key]];
  }),
  fault('missing id', ({ holder }) => {
    delete holder.id;
  }),
  fault(
    'wrong __typename',
    ({ holder, key }, random) => {
      holder[key] = random.pick(WRONG_TYPENAMES);
    },
    ({ key }) => key === '__typename',
  ),
  fault(
    'missing __typename',
    ({ holder, key }) => {
      delete holder[key];
    },
    ({ key }) => key === '__typename',
  ),
  fault(
    'other length',
    ({ holder, key }, random) => {
      const list = holder[key] as unknown[];
      if (random.chance(0.5)) list.push(random.pick([null, {}, 'text', list[0]]));
      else list.pop();
    },
    ({ holder, key }) => Array.isArray(holder[key]),
  ),
  fault(
    'missing entity',
    ({ holder, key }) => {
      holder[key] = null;
    },
    ({ path }) => path[0] === '_entities' && path.length === 2,
  ),
  {
    name: 'no data',
    spoil(spoiled: Answer, random: Random): boolean {
      if (random.chance(0.5)) spoiled.data = random.pick([null, 'text', [], {}, 5]);
      else delete spoiled.data;
      return true;
    },
  },
  {
    name: 'error',
    spoil(spoiled: Answer, random: Random): boolean {
      const places = placesIn(spoiled.data).map(({ path }) => path);
      const path = random.pick([random.pick(places), random.pick(places), undefined, ['_entities'], [], 'text']);
      const further = random.chance(0.2) ? ['_entities', random.below(5), 'name'] : path;
      const message = random.chance(0.1) ? undefined : 'Did you mean "it"?';
      const extensions = random.chance(0.1) ? null : randomExtensions(random);
      spoiled.errors = [...(spoiled.errors ?? []), { message, path: further, extensions }];
      return true;
    },
  },
] as const;

/** Creates a fault that changes one random value that meets the condition. */
function fault<Name extends string>(
  name: Name,
  change: (place: Place, random: Random) => void,
  allows: (place: Place) => boolean = () => true,
) {
  return {
    name,
    spoil({ data }: Answer, random: Random): boolean {
      const places = placesIn(data).filter(allows);
      if (places.length === 0) return false;
      change(random.pick(places), random);
      return true;
    },
  };
}

/** Returns all values within a value. */
function placesIn(value: unknown, path: readonly (string | number)[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const innerPath = [...path, Array.isArray(value) ? Number(key) : key];
    return [{ holder: value as Data, key, path: innerPath }, ...placesIn(inner, innerPath)];
  });
}
