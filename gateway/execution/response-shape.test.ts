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
  test('A null empties the nearest object that may be null, with one note', () => {
    const data = { node: { __typename: 'Cat', id: 'a', friend: { id: null, name: 'b' } } };
    expect(shape('{ node { ... on Cat { name friend { id name } } } }', data)).toEqual({
      data: '{"node":{"name":null,"friend":null}}',
      notes: ['node.friend.id: Cannot return null for non-nullable field Cat.id.'],
    });
  });

  test('A null in a list of things that must be there empties the list', () => {
    expect(shape('{ nodes { id } }', { nodes: [{ id: 'a' }, null] })).toEqual({
      data: '{"nodes":null}',
      notes: ['nodes.1: Cannot return null for non-nullable array element of type Node at index 1.'],
    });
  });

  test('A null that nothing stops leaves no data', () => {
    expect(shape('{ strict { id } count }', { strict: [{}] }).data).toBe('null');
  });

  test('A null in a list of things that may be null stays alone', () => {
    expect(shape('{ names }', { names: ['a', null] })).toEqual({ data: '{"names":["a",null]}', notes: [] });
  });
});

describe('Selections', () => {
  test('The parts of a field that is selected twice come together, also in lists', () => {
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

  test('Names that mean something to JavaScript are plain keys', () => {
    const data = JSON.parse('{"node": {"__typename": "Cat", "__proto__": "a", "constructor": "b"}}');
    expect(shape('{ node { __proto__: id constructor: id toString: __typename } }', data).data).toBe(
      '{"node":{"__proto__":"a","constructor":"b","toString":"Cat"}}',
    );
    expect(shape('{ toString: count }', {}).data).toBe('{"toString":null}');
  });

  test.each([
    [true, '{}'],
    [false, '{"count":1}'],
  ])('A variable decides about @skip: %s', (isSkipped, data) => {
    const query = 'query($no: Boolean!) { count @skip(if: $no) }';
    expect(shape(query, { count: 1 }, { no: isSkipped }).data).toBe(data);
  });

  test('A null for a variable that decides is an error, not a decision', () => {
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

  test('An object of a type that is unknown becomes null', () => {
    expect(shape('{ node { id } }', { node: { __typename: 'Nothing', id: 'a' } })).toEqual({
      data: '{"node":null}',
      notes: ['node: Invalid __typename found for object at field Query.node.'],
    });
  });

  test('An object without a type has no __typename where that could be any of several', () => {
    expect(shape('{ node { id __typename } }', { node: { id: 'a' } })).toEqual({ data: '{"node":null}', notes: [] });
  });

  test.each([
    ['a list where none is', { nodes: { id: 'a' } }],
    ['an object where none is', { nodes: ['a'] }],
    ['a __typename that is null', { nodes: [{ __typename: null, id: 'a' }] }],
    ['a __typename that is a number', { nodes: [{ __typename: 5, id: 'a' }] }],
  ])('There is no response for %s', (_what, data) => {
    expect(() => shape('{ nodes { id } }', data)).toThrow('A subgraph answered with');
  });
});
