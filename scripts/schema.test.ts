import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { changesOf, isBreaking } from './schema.ts';

const RELEASED = `
  type Query { event(id: ID!): Event }
  type Event { name: String!, place: String @deprecated(reason: "Use venue instead."), status: Status }
  enum Status { OPEN }
  input EventFilter { name: String }
`;

/** Returns the breaking changes after the replacement of a part of the released schema. */
async function breaking(old: string, replacement: string): Promise<string[]> {
  expect(RELEASED).toContain(old);
  const changes = await changesOf(buildSchema(RELEASED), buildSchema(RELEASED.replace(old, replacement)));
  expect(changes).not.toEqual([]);
  return changes.filter(isBreaking).map(({ message }) => message);
}

describe('The check of the released schema', () => {
  it.each([
    ['a removed field', 'name: String!,', '', "Field 'name' was removed from object type 'Event'"],
    ['a field that may now be null', 'String!,', 'String,', "'Event.name' changed type from 'String!' to 'String'"],
    ['a new required argument', 'id: ID!', 'id: ID!, at: Int!', "Argument 'at: Int!' added to field 'Query.event'"],
    [
      'a new required input field',
      'name: String }',
      'name: String, x: Int! }',
      "Input field 'x' of type 'Int!' was added",
    ],
    ['a removed enum value', 'OPEN', 'SHUT', "Enum value 'OPEN' was removed from enum 'Status'"],
  ])('finds %s', async (_what, old, replacement, message) => {
    expect(await breaking(old, replacement)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['a new field', 'name: String!,', 'name: String!, seats: Int,'],
    ['a new optional argument', 'id: ID!', 'id: ID!, at: Int'],
    ['a new enum value', 'OPEN', 'OPEN SHUT'],
    [
      'the removal of a field that was deprecated in the last release',
      'place: String @deprecated(reason: "Use venue instead."),',
      '',
    ],
  ])('allows %s', async (_what, old, replacement) => {
    expect(await breaking(old, replacement)).toEqual([]);
  });
});
