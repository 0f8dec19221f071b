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

/** Every operation of our own: of the tour, the demo data, the benches, and the explorer. */
const OWN = [
  read('docs/tour.graphql'),
  ...[
    'scripts/seed.ts',
    'bench/support/http-booking.ts',
    'gateway/http/explorer.ts',
    'tests/support/client.ts',
  ].flatMap((file) =>
    [...read(file).matchAll(/`\s*((?:#.*\n)*\s*(?:query|mutation) \w+[^`$]*(?:\$\w[^`$]*)*)`/g)].map(
      ([, text]) => text ?? '',
    ),
  ),
].flatMap((text) => Object.values(separateOperations(parse(text))).map(print));

describe('S2: cost counts lists as long as they are asked for', () => {
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

  it('refuses nested lists of a hundred each, in literals and in variables, before any subgraph is asked', async () => {
    const before = asked();
    expect(await codesOf(NESTED, { first: 100 })).toEqual(['QUERY_TOO_COMPLEX']);
    expect(await codesOf(NESTED.replace('($first: Int) ', '').replace('$first', '100'))).toEqual(['QUERY_TOO_COMPLEX']);
    expect(await codesOf(NESTED.replace('$first: Int', '$first: Int = 100'))).toEqual(['QUERY_TOO_COMPLEX']);
    expect(asked()).toBe(before);
  });

  it('lets the same pass with shorter lists: the variables decide, not the document', async () => {
    expect(await codesOf(NESTED, { first: 5 })).not.toContain('QUERY_TOO_COMPLEX');
    expect(await codesOf(NESTED, { first: 100 })).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('counts a list that no length is asked of by its default', async () => {
    const list = '{ users { nodes { bookings { nodes { event { bookings { nodes { id } } } } } } } }';
    expect(await codesOf(list)).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('counts a list whose length is null by its default, too: the subgraphs take it for that', async () => {
    const list = `query ($first: Int) {
      users(first: $first) { nodes { bookings(first: null) { nodes { event { bookings(first: $first) { nodes { id } } } } } } }
    }`;
    expect(await codesOf(list, { first: null })).toEqual(['QUERY_TOO_COMPLEX']);
    expect(await codesOf(list, { first: 5 })).not.toContain('QUERY_TOO_COMPLEX');
  });

  it('counts what fragments and aliases repeat', async () => {
    const page = 'bookings(first: 100) { nodes { event { name } user { name } } }';
    const repeated = Array.from({ length: 14 }, (_, i) => `a${i}: ${page}`).join(' ');
    expect(await codesOf(`{ ${page} }`)).not.toContain('QUERY_TOO_COMPLEX');
    expect(await codesOf(`{ me { ...a } } fragment a on User { ${repeated} }`)).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('is not fooled by lengths below one: they make nothing else cheaper', async () => {
    const cheap = 'a: bookings(first: -2147483648) { nodes { id } }';
    expect(await codesOf(`{ ${cheap} users(first: 100) { nodes { bookings(first: 100) { nodes { id } } } } }`)).toEqual(
      ['QUERY_TOO_COMPLEX'],
    );
  });

  it('does not take a variable that is refused for one that costs nothing', async () => {
    const query = NESTED.replace('query ($first: Int)', 'query ($first: Int, $id: ID!)').replace(
      'users(',
      'user(id: $id) { id } users(',
    );
    const before = asked();
    expect(await codesOf(query, { first: 100 })).toEqual(['BAD_USER_INPUT']);
    expect(asked()).toBe(before);
  });

  it('makes what costs a password hash expensive: many in one operation are refused', async () => {
    const signIns = (count: number) =>
      `mutation { ${Array.from({ length: count }, (_, i) => `s${i}: signIn(input: { email: "a@b.example", password: "x" }) { __typename }`).join(' ')} }`;
    expect(await codesOf(signIns(5))).not.toContain('QUERY_TOO_COMPLEX');
    expect(await codesOf(signIns(11))).toContain('QUERY_TOO_COMPLEX');
  });

  it('knows how long every list is that has no first', () => {
    const schema = buildSchema(read('gateway/supergraph.graphql'), { assumeValidSDL: true });
    const lists = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .filter(({ name }) => !name.startsWith('__') && !name.endsWith('Connection'))
      .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
      .filter(({ field }) => isListType(getNullableType(field.type)) && isObjectType(getNamedType(field.type)))
      .filter(({ field }) => !field.astNode?.directives?.some(({ name }) => name.value === 'inaccessible'))
      .map(({ type, field }) => `${type.name}.${field.name}`);
    expect(lists).toEqual(Object.keys(LIST_SIZES));
  });

  it('lets every operation of our own pass, with room: also with pages four times as long', async () => {
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

/** For whatever variables the operations have. */
const VALUES = {
  id: '019ac000-0000-7000-8000-000000000001',
  eventId: '019ac000-0000-7000-8000-000000000001',
  name: 'x',
};
