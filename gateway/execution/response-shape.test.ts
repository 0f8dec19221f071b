import { buildSchema, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { compileResponseShape } from './response-shape.ts';

const schema = buildSchema(`
  type Query { node: Node nodes: [Node!] strict: [Cat!]! any: Any names: [String] number: Float count: Int id: ID kind: Kind }
  interface Node { id: ID! }
  type Cat implements Node { id: ID! name: String friend: Cat need: Cat! }
  type Dog implements Node { id: ID! bark: String! }
  union Any = Cat | Dog
  enum Kind { ONE }
`);

function shape(query: string, data: object, variables: Record<string, unknown> = {}) {
  const document = parse(query);
  const operation = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const shapeResponse = compileResponseShape(schema, document, operation as OperationDefinitionNode);
  const shaped = shapeResponse?.(JSON.parse(JSON.stringify(data)), variables);
  return {
    data: JSON.stringify(shaped?.data),
    notes: shaped?.emptied.map(({ message, path }) => `${path?.join('.')}: ${message}`),
  };
}

describe('Null', () => {
  test('A forbidden null makes the nearest nullable object null, with one note', () => {
    const data = { node: { __typename: 'Cat', id: 'a', friend: { id: null, name: 'b' } } };
    expect(shape('{ node { ... on Cat { name friend { id name } } } }', data)).toEqual({
      data: '{"node":{"name":null,"friend":null}}',
      notes: ['node.friend.id: Cannot return null for non-nullable field Cat.id.'],
    });
  });

  test('A null in a list of non-null items makes the list null', () => {
    expect(shape('{ nodes { id } }', { nodes: [{ id: 'a' }, null] })).toEqual({
      data: '{"nodes":null}',
      notes: ['nodes.1: Cannot return null for non-nullable array element of type Node at index 1.'],
    });
  });

  test('A forbidden null without a nullable field around it makes the data null', () => {
    expect(shape('{ strict { id } count }', { strict: [{}] }).data).toBe('null');
  });

  test('A null in a list of nullable items does not affect the other items', () => {
    expect(shape('{ names }', { names: ['a', null] })).toEqual({ data: '{"names":["a",null]}', notes: [] });
  });
});

describe('Selections', () => {
  test('The selections of a field that is selected twice are merged, also in lists', () => {
    const data = { strict: [{ id: 'a', name: 'A', friend: { id: 'b', name: 'B' } }] };
    expect(
      shape('{ strict { friend { id } id } count ... { strict { friend { name } } } strict { name } }', data),
    ).toEqual({
      data: '{"strict":[{"friend":{"id":"b","name":"B"},"id":"a","name":"A"}],"count":null}',
      notes: [],
    });
  });

  test('Fragments apply to the type itself, to its interfaces and to its unions', () => {
    const query =
      '{ any { __typename ... on Node { id } ... on Dog { bark } ...F } } fragment F on Any { t: __typename }';
    expect(shape(query, { any: { __typename: 'Cat', id: 'a', bark: 'no' } }).data).toBe(
      '{"any":{"__typename":"Cat","id":"a","t":"Cat"}}',
    );
  });

  test('Names that are special in JavaScript are plain keys', () => {
    const data = JSON.parse('{"node": {"__typename": "Cat", "__proto__": "a", "constructor": "b"}}');
    expect(shape('{ node { __proto__: id constructor: id toString: __typename } }', data).data).toBe(
      '{"node":{"__proto__":"a","constructor":"b","toString":"Cat"}}',
    );
    expect(shape('{ toString: count }', {}).data).toBe('{"toString":null}');
  });

  test.each([
    [true, '{}'],
    [false, '{"count":1}'],
  ])('A variable controls @skip: %s', (isSkipped, data) => {
    const query = 'query($no: Boolean!) { count @skip(if: $no) }';
    expect(shape(query, { count: 1 }, { no: isSkipped }).data).toBe(data);
  });

  test('A null variable as the condition of a directive is an error', () => {
    const query = 'query($no: Boolean = true) { count @skip(if: $no) }';
    expect(() => shape(query, { count: 1 }, { no: null })).toThrow();
  });
});

describe('Wrong answers of a subgraph', () => {
  test.each([
    ['count', 1.5],
    ['count', '1'],
    ['id', true],
    ['kind', 'TWO'],
    ['number', 'x'],
    ['names', ['a', 1]],
  ])('A wrong value for %s becomes null, with a note: %j', (field, value) => {
    const { data, notes } = shape(`{ ${field} }`, { [field]: value });
    expect(JSON.parse(String(data))[field] ?? [null]).toContain(null);
    expect(notes).toHaveLength(1);
  });

  test('An infinite number becomes null, with a note', () => {
    const document = parse('{ number }');
    const shapeResponse = compileResponseShape(schema, document, document.definitions[0] as OperationDefinitionNode);
    expect(shapeResponse?.({ number: Number.POSITIVE_INFINITY }, {})).toMatchObject({
      data: { number: null },
      emptied: [{ message: 'Invalid value found for field Query.number.' }],
    });
  });

  test('An object of an unknown type becomes null', () => {
    expect(shape('{ node { id } }', { node: { __typename: 'Nothing', id: 'a' } })).toEqual({
      data: '{"node":null}',
      notes: ['node: Invalid __typename found for object at field Query.node.'],
    });
  });

  test('An object without a type has no __typename if several types are possible', () => {
    expect(shape('{ node { id __typename } }', { node: { id: 'a' } })).toEqual({ data: '{"node":null}', notes: [] });
  });

  test.each([
    ['an object instead of a list', { nodes: { id: 'a' } }],
    ['a text instead of an object', { nodes: ['a'] }],
    ['a __typename that is null', { nodes: [{ __typename: null, id: 'a' }] }],
    ['a __typename that is a number', { nodes: [{ __typename: 5, id: 'a' }] }],
  ])('There is no response for %s', (_what, data) => {
    expect(() => shape('{ nodes { id } }', data)).toThrow('A subgraph answered with');
  });
});
