import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createKnownOperations } from './known-operations.ts';

const schema = buildSchema('type Query { echo(text: String, input: Input): String } input Input { texts: [String] }');
const echo = schema.getQueryType()?.getFields().echo;
if (echo) echo.resolve = (_root, args) => JSON.stringify(args);

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
      const { data } = await execute({ query: `{ ${selection} __proto__: ${selection} constructor: ${selection} }` });
      expect(Object.keys(data).sort()).toEqual(['__proto__', 'constructor', 'echo']);
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
});
