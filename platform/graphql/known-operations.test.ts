import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { rateLimited } from '../errors/errors.ts';
import { createKnownOperations } from './known-operations.ts';

const schema = buildSchema(`
  type Query { echo(text: String, input: Input): String, parent: Parent, refused: String }
  type Parent { child: String, never: String! }
  input Input { texts: [String] }
`);
const resolvers: Record<string, (root: unknown, args: object) => unknown> = {
  echo: (_root, args) => JSON.stringify(args),
  parent: () => ({ child: 'child', never: null }),
  refused: () => Promise.reject(rateLimited(7)),
};
for (const [name, resolve] of Object.entries(resolvers)) {
  Object.assign(schema.getQueryType()?.getFields()[name] ?? {}, { resolve });
}

const createOperations = () => createKnownOperations<object>(schema, (formatted) => formatted);

/** Learns an operation, as after two answers of Apollo Server, and executes it. */
async function execute(body: { query: string; variables?: object; operationName?: string }) {
  const known = createOperations();
  known.learn(body);
  known.learn(body);
  const answer = await known.prepare(body)?.({});
  return answer && JSON.parse(answer.text);
}

describe('the known operations of a subgraph', () => {
  it.each([
    `"\`\${globalThis.injected=1}\`"`,
    '"\\"+(globalThis.injected=1)+\\""',
    '"\'+(globalThis.injected=1)+\'"',
    '"\\u2028;globalThis.injected=1//"',
    '"""\n*/globalThis.injected=1;/*\n"""',
  ])('compile to code that does not contain the code of a literal: %s', async (literal) => {
    for (const selection of [`echo(text: ${literal})`, `echo(input: { texts: [${literal}, ${literal}] })`]) {
      const { data } = await execute({ query: `{ ${selection} toString: ${selection} constructor: ${selection} }` });
      expect(Object.keys(data).sort()).toEqual(['constructor', 'echo', 'toString']);
      expect(data.echo).toContain('globalThis.injected=1');
    }
    const { data } = await execute({ query: `query ($text: String = ${literal}) { echo(text: $text) }` });
    expect(data.echo).toContain('globalThis.injected=1');
    expect(globalThis).not.toHaveProperty('injected');
  });

  it('are executed only when the body is plain, the name is the same and the variables are right', async () => {
    const query = 'query Echo($text: String) { echo(text: $text) }';
    const known = createOperations();
    const body = { query, operationName: 'Echo', variables: { text: 'a' } };
    expect(known.prepare(body)).toBeUndefined();
    known.learn(body);
    expect(known.prepare(body)).toBeUndefined();
    known.learn(body);
    expect(await known.prepare(body)?.({})).toMatchObject({
      status: 200,
      text: '{"data":{"echo":"{\\"text\\":\\"a\\"}"}}\n',
    });
    expect(await known.prepare({ ...body, variables: { text: 1 } })?.({})).toBeUndefined();
    for (const other of [
      { ...body, operationName: 'Other' },
      { ...body, extensions: {} },
      { ...body, variables: [] },
      { query },
      query,
      [body],
      null,
    ]) {
      expect(known.prepare(other)).toBeUndefined();
    }
  });

  it.each([
    ['a response name that is special in JavaScript', '{ __proto__: echo }', {}],
    ['a variable that every object has', 'query ($toString: String) { echo(text: $toString) }', {}],
    ['a condition that may be null', 'query ($if: Boolean = true) { echo @skip(if: $if) }', { if: null }],
    ['a list for an input object', 'query ($input: Input) { echo(input: $input) }', { input: [] }],
    [
      'more than three conditions',
      'query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!) { a: echo @skip(if: $a) b: echo @skip(if: $b) c: echo @skip(if: $c) d: echo @skip(if: $d) }',
      { a: false, b: false, c: false, d: false },
    ],
  ])('leave an operation with %s to Apollo Server', async (_what, query, variables) => {
    expect(await execute({ query, variables })).toBeUndefined();
  });

  it('leave out only what @skip and @include exclude, also when the same field is selected twice', async () => {
    const query = `query ($if: Boolean!) {
      parent @include(if: $if) { child } parent { __typename ...F @skip(if: true) ...F @include(if: $if) }
    } fragment F on Parent { again: child }`;
    expect(await execute({ query, variables: { if: false } })).toEqual({ data: { parent: { __typename: 'Parent' } } });
    const all = { child: 'child', __typename: 'Parent', again: 'child' };
    expect(await execute({ query, variables: { if: true } })).toEqual({ data: { parent: all } });
  });

  it('give errors with extensions to the error mask, and the status and headers of errors to the answer', async () => {
    const never = await execute({ query: '{ parent { never } }' });
    expect(never).toEqual({
      errors: [expect.objectContaining({ path: ['parent', 'never'], extensions: { code: 'INTERNAL_SERVER_ERROR' } })],
      data: { parent: null },
    });
    const known = createOperations();
    const body = { query: '{ refused }' };
    known.learn(body);
    known.learn(body);
    expect(await known.prepare(body)?.({})).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
  });

  it('are bounded: many different texts push out the oldest', () => {
    const known = createOperations();
    const bodyOf = (number: number) => ({ query: `{ echo(text: "${String(number).padStart(2_000, '0')}") }` });
    for (let number = 0; number < 200; number += 1) {
      known.learn(bodyOf(number));
      known.learn(bodyOf(number));
    }
    expect(known.prepare(bodyOf(0))).toBeUndefined();
    expect(known.prepare(bodyOf(199))).toBeDefined();
  });

  it('are bounded: an operation with three conditions counts eight times', () => {
    const isFirstKept = (conditions: string) => {
      const known = createOperations();
      const bodyOf = (number: number) => ({
        query: `query ($a: Boolean!, $b: Boolean!, $c: Boolean!) { echo(text: "${'x'.repeat(2_000)}${number}") ${conditions} }`,
        variables: { a: true, b: true, c: true },
      });
      for (let number = 0; number < 20; number += 1) {
        known.learn(bodyOf(number));
        known.learn(bodyOf(number));
      }
      return known.prepare(bodyOf(0)) !== undefined;
    };
    expect(isFirstKept('')).toBe(true);
    expect(isFirstKept('x: echo @skip(if: $a) y: echo @skip(if: $b) z: echo @skip(if: $c)')).toBe(false);
  });
});
