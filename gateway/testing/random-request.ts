import { createHash } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import type { Random } from '#platform/testing/random.ts';
import { createRandomOperation } from '#platform/testing/random-operation.ts';

/** A request to the gateway, and sometimes a second one that must be sent before it. */
export interface RandomRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly query: string;
  /** Registers the document of a persisted query. */
  readonly prelude?: RandomRequest;
}

const ACCEPT = [
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'text/html, */*;q=0.1',
  'multipart/mixed',
  'image/png',
];
const CONTENT_TYPES = [
  'application/json; charset=utf-8',
  'application/json;charset=UTF-8',
  'application/graphql+json',
  'text/plain',
];
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** Returns a random operation in a random request. Most requests are valid. The others have one of many faults. */
export function createRandomRequest(schema: GraphQLSchema, random: Random, token: string): RandomRequest {
  const { query, variables, names } = createRandomOperation(schema, random);
  const headers = randomHeaders(random, token);
  const body: Record<string, unknown> = { query };
  if (Object.keys(variables).length > 0 || random.chance(0.1)) body.variables = variables;
  if (names.length > 1 || random.chance(0.3)) body.operationName = random.pick([...names, ...names, ...names, null]);
  if (random.chance(0.04)) Object.assign(body, random.pick(ODDITIES));
  const request = { method: 'POST', path: '/graphql', headers, query } as const;
  if (random.chance(0.05)) {
    const search = new URLSearchParams(
      Object.entries(body).flatMap(([name, value]): [string, string][] =>
        value == null ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)]],
      ),
    );
    const { 'content-type': _, ...others } = headers;
    const asked = random.chance(0.8) ? { ...others, 'apollo-require-preflight': 'yes' } : others;
    return { ...request, method: 'GET', path: `/graphql?${search}`, headers: asked, body: undefined };
  }
  if (!random.chance(0.15)) return { ...request, body: JSON.stringify(body) };
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const persistedQuery = { version: random.chance(0.95) ? 1 : 2, sha256Hash: random.chance(0.95) ? sha256Hash : 'x' };
  const whole = { ...request, body: JSON.stringify({ ...body, extensions: { persistedQuery } }) };
  if (random.chance(0.2)) return whole;
  const { query: _, ...rest } = body;
  const byHash = { ...request, body: JSON.stringify({ ...rest, extensions: { persistedQuery } }) };
  return random.chance(0.1) ? byHash : { ...byHash, prelude: whole };
}

function randomHeaders(random: Random, token: string): Record<string, string> {
  const authorization = random.pick([undefined, undefined, `Bearer ${token}`, `Bearer ${token}`]);
  return {
    'content-type': random.chance(0.92) ? 'application/json' : random.pick(CONTENT_TYPES),
    ...(random.chance(0.5) && { accept: random.chance(0.7) ? '*/*' : random.pick(ACCEPT) }),
    ...(authorization !== undefined && { authorization: random.chance(0.05) ? 'Bearer a.b.c' : authorization }),
    ...(random.chance(0.1) && { traceparent: TRACEPARENT }),
    ...(random.chance(0.1) && { origin: 'https://shop.example.com' }),
  };
}

/** Unusual parts that replace parts of a request's body. */
const ODDITIES: readonly object[] = [
  { extensions: {} },
  { extensions: null },
  { extensions: { persistedQuery: null } },
  { extensions: { other: 1 } },
  { extensions: [] },
  { variables: null },
  { variables: [] },
  { variables: '{}' },
  { variables: { unknown: { deep: [1] } } },
  { operationName: '' },
  { operationName: 'Nobody' },
  { operationName: 5 },
  { query: null },
  { query: 5 },
  { other: true },
];
