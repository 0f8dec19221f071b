import {
  buildSchema,
  DEFAULT_DEPRECATION_REASON,
  type GraphQLSchema,
  isSpecifiedScalarType,
  printSchema,
} from 'graphql';
import { expect, test } from 'vitest';
import { compose } from '../scripts/compose.ts';

interface Element {
  name: string;
  description?: string | null | undefined;
  deprecationReason?: string | null | undefined;
}
type Parts = { args: Element[] } & Element;

const NAMES = { type: /^[A-Z][A-Za-z]*$/, member: /^[a-z][A-Za-z]*$/, enumValue: /^[A-Z][A-Z_]*$/ };

/** Returns the elements of a schema that lack a description or the reason of a deprecation, or are named badly. */
function mistakesOf(schema: GraphQLSchema): string[] {
  const check = (path: string, rule: RegExp, { name, description, deprecationReason }: Element) => [
    ...(rule.test(name) ? [] : [`${path}: must match ${rule}`]),
    ...(description?.trim() ? [] : [`${path}: needs a description`]),
    ...(deprecationReason === DEFAULT_DEPRECATION_REASON ? [`${path}: @deprecated needs a reason`] : []),
  ];
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
  );
  return types.flatMap((type) => [
    ...check(type.name, NAMES.type, type),
    ...('getValues' in type ? type.getValues() : []).flatMap((value) =>
      check(`${type.name}.${value.name}`, NAMES.enumValue, value),
    ),
    ...('getFields' in type ? (Object.values(type.getFields()) as Parts[]) : []).flatMap(({ args = [], ...field }) => [
      ...check(`${type.name}.${field.name}`, NAMES.member, field),
      ...args.flatMap((arg) => check(`${type.name}.${field.name}(${arg.name}:)`, NAMES.member, arg)),
    ]),
  ]);
}

test('Every element of the public schema has a description and a proper name, and every deprecation has a reason', () => {
  expect(mistakesOf(buildSchema(printSchema(compose().apiSchema)))).toEqual([]);
});

test('The check finds what is missing', () => {
  const schema = buildSchema(
    `type query_result { "x" Seats(first: Int): Int @deprecated }  enum E { on }  schema { query: query_result }`,
  );
  expect(mistakesOf(schema)).toEqual([
    'query_result: must match /^[A-Z][A-Za-z]*$/',
    'query_result: needs a description',
    'query_result.Seats: must match /^[a-z][A-Za-z]*$/',
    'query_result.Seats: @deprecated needs a reason',
    'query_result.Seats(first:): needs a description',
    'E: needs a description',
    'E.on: must match /^[A-Z][A-Z_]*$/',
    'E.on: needs a description',
  ]);
});
