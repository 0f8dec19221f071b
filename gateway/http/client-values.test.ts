import {
  buildSchema,
  type DocumentNode,
  type GraphQLError,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { withoutValues } from './client-values.ts';

const SECRET = 'open; sesame" at "x"; 4711';
const schema = buildSchema(`
  type Query { signIn(input: Credentials!): Boolean, list(first: Int, kind: Kind): Boolean }
  input Credentials { email: String!, password: String! }
  enum Kind { A }
`);
const text = JSON.stringify(SECRET);

const operationOf = ({ definitions }: DocumentNode) =>
  definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION) as OperationDefinitionNode;
function ofVariables(input: unknown): readonly GraphQLError[] {
  const { variableDefinitions = [] } = operationOf(
    parse('query ($input: Credentials!, $first: Int) { signIn(input: $input) list(first: $first) }'),
  );
  const { errors = [] } = getVariableValues(schema, variableDefinitions, { input, first: SECRET });
  return errors;
}
const ofLiterals = (query: string): readonly GraphQLError[] => validate(schema, parse(query));
function ofSyntax(query: string): GraphQLError[] {
  try {
    parse(query);
    return [];
  } catch (error) {
    return [error as GraphQLError];
  }
}

describe('an error message of the graphql library', () => {
  it.each<[string, readonly GraphQLError[], string]>([
    [
      'an unknown field',
      ofVariables({ email: 'a', password: SECRET, extra: 1 }),
      'Variable "$input" got invalid value; Field "extra" is not defined by type "Credentials".',
    ],
    [
      'a missing field',
      ofVariables({ password: SECRET }),
      'Variable "$input" got invalid value; Field "email" of required type "String!" was not provided.',
    ],
    [
      'a wrong type',
      ofVariables({ email: 'a', password: { is: SECRET } }),
      'Variable "$input" got invalid value at "input.password"; String cannot represent a non string value.',
    ],
    [
      'an unknown field beside a value that looks like a message',
      ofVariables({ email: 'cannot represent '.repeat(15_000), password: SECRET, extra: 1 }),
      'Variable "$input" got invalid value; Field "extra" is not defined by type "Credentials".',
    ],
    [
      'a wrong number',
      ofVariables({ email: 'a', password: 'b' }),
      'Variable "$first" got invalid value; Int cannot represent non-integer value.',
    ],
    [
      'a list',
      ofVariables([{ email: 'a', password: SECRET }]),
      'Variable "$input" got invalid value; Expected type "Credentials" to be an object.',
    ],
    [
      'a literal list',
      ofLiterals(`{ signIn(input: [{ email: "a", password: ${text} }]) }`),
      'Expected value of type "Credentials".',
    ],
    [
      'a literal of another type',
      ofLiterals('{ signIn(input: { email: "a", password: 4711 }) }'),
      'String cannot represent a non string value.',
    ],
    ['a string for an enum', ofLiterals(`{ list(kind: ${text}) }`), 'Enum "Kind" cannot represent non-enum value.'],
    ['a misplaced string', ofSyntax(`{ list(first: 1 ${text}) }`), 'Syntax Error: Expected Name, found String.'],
    ['a misplaced number', ofSyntax('{ list(first: 1 4711) }'), 'Syntax Error: Expected Name, found Int.'],
  ])('explains %s without repeating the value', (_what, errors, expected) => {
    expect(errors.map(({ message }) => message).join()).toContain('4711');
    const messages = errors.map(({ message }) => withoutValues(message));
    expect(messages).toContain(expected);
    expect(messages.join()).not.toMatch(/open|sesame|4711/);
  });

  it.each(['Cannot query field "x" on type "Query".', 'Syntax Error: Expected Name, found }.'])(
    'stays unchanged when it contains no value: %s',
    (message) => expect(withoutValues(message)).toBe(message),
  );
});
