import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  parse,
  print,
  separateOperations,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import { eachOf, SUBGRAPHS } from '#services';
import { LIST_SIZES } from '../../gateway/limits/query-limits.ts';
import { answer } from '../../gateway/testing/stand-in.ts';
import { startTestGateway } from '../../gateway/testing/test-gateway.ts';

const ANSWER = answer({ data: {} });
const behaviours = eachOf(SUBGRAPHS, () => ANSWER);
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The operations of this repository: of the tour, the client, the documentation, the demo data, the benchmarks and more. */
const OWN = [
  read('docs/tour.graphql'),
  read('docs/api-examples.graphql'),
  read('clients/typescript/operations.graphql'),
  ...[
    'scripts/seed/gateway.ts',
    'bench/support/http-booking.ts',
    'explorer/demo-session.ts',
    'tests/support/client.ts',
  ].flatMap((file) =>
    [...read(file).matchAll(/`\s*((?:#.*\n)*\s*(?:query|mutation) \w+[^`$]*(?:\$\w[^`$]*)*)`/g)].map(
      ([, text]) => text ?? '',
    ),
  ),
].flatMap((text) => Object.values(separateOperations(parse(text))).map(print));

describe('S2: the cost of an operation depends on the requested list lengths', () => {
  let gateway: Awaited<ReturnType<typeof startTestGateway>>;
  beforeAll(async () => {
    gateway = await startTestGateway(behaviours);
  });
  afterAll(() => gateway.stop());

  const codesOf = async (query: string, values: Record<string, unknown> = {}) =>
    (await gateway.ask(query, { variables: values })).body.errors?.map(({ extensions }) => extensions.code) ?? [];
  const asked = () => Object.values(gateway.standIns).flatMap(({ received }) => received).length;

  const NESTED = `query ($first: Int) {
    users(first: 100) { nodes { bookings(first: $first) { nodes { event { name } } } } }
  }`;

  it('refuses nested lists of 100 items each, by literal, variable or default, before a subgraph is called', async () => {
    const before = asked();
    expect(await codesOf(NESTED, { first: 100 })).toEqual(['QUERY_TOO_COMPLEX']);
    expect(await codesOf(NESTED.replace('($first: Int) ', '').replace('$first', '100'))).toEqual(['QUERY_TOO_COMPLEX']);
    expect(await codesOf(NESTED.replace('$first: Int', '$first: Int = 100'))).toEqual(['QUERY_TOO_COMPLEX']);
    expect(asked()).toBe(before);
  });

  it('accepts the same document with a smaller variable', async () => {
    expect(await codesOf(NESTED, { first: 5 })).not.toContain('QUERY_TOO_COMPLEX');
    expect(await codesOf(NESTED, { first: 100 })).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('counts a list without "first" with its default length', async () => {
    const list = '{ users { nodes { bookings { nodes { event { bookings { nodes { id } } } } } } } }';
    expect(await codesOf(list)).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('counts a list with "first: null" with its default length, as the subgraphs do', async () => {
    const list = `query ($first: Int) {
      users(first: $first) { nodes { bookings(first: null) { nodes { event { bookings(first: $first) { nodes { id } } } } } } }
    }`;
    expect(await codesOf(list, { first: null })).toEqual(['QUERY_TOO_COMPLEX']);
    expect(await codesOf(list, { first: 5 })).not.toContain('QUERY_TOO_COMPLEX');
  });

  it('counts every repetition by fragments and aliases', async () => {
    const page = 'bookings(first: 100) { nodes { event { name } user { name } } }';
    const repeated = Array.from({ length: 14 }, (_, i) => `a${i}: ${page}`).join(' ');
    expect(await codesOf(`{ ${page} }`)).not.toContain('QUERY_TOO_COMPLEX');
    expect(await codesOf(`{ me { ...a } } fragment a on User { ${repeated} }`)).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('does not let a negative length lower the total cost', async () => {
    const cheap = 'a: bookings(first: -2147483648) { nodes { id } }';
    expect(await codesOf(`{ ${cheap} users(first: 100) { nodes { bookings(first: 100) { nodes { id } } } } }`)).toEqual(
      ['QUERY_TOO_COMPLEX'],
    );
  });

  it('refuses an operation with a missing variable before a subgraph is called', async () => {
    const query = NESTED.replace('query ($first: Int)', 'query ($first: Int, $id: ID!)').replace(
      'users(',
      'user(id: $id) { id } users(',
    );
    const before = asked();
    expect(await codesOf(query, { first: 100 })).toEqual(['BAD_USER_INPUT']);
    expect(asked()).toBe(before);
  });

  it('refuses many sign-ins in one operation, because each costs a password hash', async () => {
    const signIns = (count: number) =>
      `mutation { ${Array.from({ length: count }, (_, i) => `s${i}: signIn(input: { email: "a@b.example", password: "x" }) { __typename }`).join(' ')} }`;
    expect(await codesOf(signIns(5))).not.toContain('QUERY_TOO_COMPLEX');
    expect(await codesOf(signIns(11))).toContain('QUERY_TOO_COMPLEX');
  });

  it('has a length for every list without a "first" argument', () => {
    const schema = buildSchema(read('gateway/supergraph.graphql'), { assumeValidSDL: true });
    const lists = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .filter(({ name }) => !name.startsWith('__') && !name.endsWith('Connection'))
      .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
      .filter(({ field }) => isListType(getNullableType(field.type)) && isObjectType(getNamedType(field.type)))
      .filter(({ field }) => !field.astNode?.directives?.some(({ name }) => name.value === 'inaccessible'))
      .map(({ type, field }) => `${type.name}.${field.name}`);
    expect(lists.toSorted()).toEqual(Object.keys(LIST_SIZES));
  });

  it('accepts every operation of this repository, even with pages four times as long', async () => {
    expect(OWN.length).toBeGreaterThan(12);
    for (const text of OWN) {
      const longer = text.replace(/first: (\d+)/g, (_, first) => `first: ${Math.min(Number(first) * 4, 100)}`);
      for (const document of [text, longer]) {
        const codes = await codesOf(document, VALUES);
        expect({ document, codes }).not.toMatchObject({ codes: expect.arrayContaining(['QUERY_TOO_COMPLEX']) });
        expect({ document, codes }).not.toMatchObject({ codes: expect.arrayContaining(['GRAPHQL_VALIDATION_FAILED']) });
      }
    }
  });
});

/** Values for the variables of these operations. */
const VALUES = {
  id: '019ac000-0000-7000-8000-000000000001',
  eventId: '019ac000-0000-7000-8000-000000000001',
  name: 'x',
};
