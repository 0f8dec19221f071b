import {
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isUnionType,
} from 'graphql';
import type { Random } from './random.ts';

export interface RandomOperation {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly names: readonly string[];
}

/** A value as JSON, and its text in a document. */
interface Value {
  readonly json: unknown;
  readonly text: string;
}

/** Aliases. Some of them are special names in JavaScript or in federation. */
const ALIASES = ['a', 'b', 'c', 'd', '__proto__', 'constructor', 'toString', 'length', '_entities'];
const VARIABLES = ['v', 'w', 'x', 'y', 'z', 'representations', 'constructor', 'toString'];
const WRONG: readonly Value[] = [
  { json: 5, text: '5' },
  { json: 'wrong', text: '"wrong"' },
  { json: true, text: 'true' },
  { json: [], text: '[]' },
  { json: {}, text: '{}' },
];

/**
 * Returns a document with one or more random operations on a schema, and its variables. Most documents are valid.
 * `conditionChance` is the share of selections with @skip or @include.
 */
export function createRandomOperation(
  schema: GraphQLSchema,
  random: Random,
  { conditionChance = 0.12 } = {},
): RandomOperation {
  const fragments = new Map<string, { text: string; type: GraphQLCompositeType }>();
  const givenVariables: Record<string, unknown> = {};
  /** Fields that share a response name must have the same arguments. */
  const calls = new Map<string, string>();
  const aliased = new Map<string, string>();
  let declared = new Map<string, string>();
  const isSingle = !random.chance(0.1);
  let mayUseVariables = true;

  function variable(type: string, { json }: Value): string | undefined {
    const name = `${random.pick(VARIABLES)}${random.chance(0.5) ? declared.size : ''}`;
    if (!mayUseVariables || declared.has(name)) return undefined;
    declared.set(name, type);
    if (!random.chance(0.01)) givenVariables[name] = json;
    return `$${name}`;
  }

  function argument({ name, type }: GraphQLArgument): string[] {
    if (!isNonNullType(type) && random.chance(0.6)) return [];
    if (random.chance(0.001)) return [];
    const value = randomInput(schema, type, random);
    const text = random.chance(0.4) ? (variable(String(type), value) ?? value.text) : value.text;
    return [`${name}: ${text}`];
  }

  function directives(): string {
    if (!random.chance(conditionChance)) return '';
    const value = { json: random.chance(0.5), text: String(random.chance(0.5)) };
    const text = random.chance(0.5) ? condition(value) : value.text;
    const name = random.pick(['skip', 'include']);
    const other = random.chance(0.1) ? ` @${name === 'skip' ? 'include' : 'skip'}(if: ${random.chance(0.5)})` : '';
    return ` @${name}(if: ${text})${other}`;
  }

  function condition(value: Value): string {
    if (random.chance(0.8)) return variable('Boolean!', value) ?? value.text;
    // GraphQL allows a nullable variable with a default. The client may send null for it.
    const given = random.chance(0.3) ? { json: null, text: 'null' } : value;
    return variable(`Boolean = ${random.chance(0.5)}`, given) ?? value.text;
  }

  function field(parent: GraphQLCompositeType, definition: GraphQLField<unknown, unknown>, depth: number): string[] {
    const coordinate = `${parent.name}.${definition.name}`;
    let call = calls.get(coordinate);
    if (call === undefined) {
      const given = definition.args.flatMap(argument);
      call = given.length > 0 ? `${definition.name}(${given.join(', ')})` : definition.name;
      calls.set(coordinate, call);
    }
    let alias = '';
    if (random.chance(0.15)) {
      const name = random.chance(0.01) ? '__typename' : random.pick(ALIASES);
      if (aliased.has(name) && aliased.get(name) !== coordinate) return [];
      aliased.set(name, coordinate);
      alias = `${name}: `;
    }
    const type = getNamedType(definition.type);
    if (!isCompositeType(type)) return [`${alias}${call}${directives()}`];
    return [`${alias}${call}${directives()} ${selections(type, depth - 1)}`];
  }

  function fieldOf(parent: GraphQLCompositeType, depth: number): string[] {
    if (isUnionType(parent)) return ['__typename'];
    const fields = Object.values(parent.getFields()).filter(
      ({ type }) => depth > 0 || !isCompositeType(getNamedType(type)),
    );
    return fields.length === 0 ? ['__typename'] : field(parent, random.pick(fields), depth);
  }

  function spread(parent: GraphQLCompositeType, depth: number): string {
    const fitting = [...fragments].filter(([, { type }]) => type === parent).map(([name]) => name);
    if (fitting.length > 0 && random.chance(0.5)) return `...${random.pick(fitting)}${directives()}`;
    const type = random.pick(conditionsFor(parent));
    const couldUseVariables = mayUseVariables;
    mayUseVariables &&= isSingle;
    const text = selections(type, depth - 1);
    mayUseVariables = couldUseVariables;
    const name = `F${fragments.size}`;
    fragments.set(name, { type, text: `fragment ${name} on ${type.name} ${text}` });
    return `...${name}${directives()}`;
  }

  function conditionsFor(parent: GraphQLCompositeType): GraphQLCompositeType[] {
    if (isAbstractType(parent)) return [parent, ...schema.getPossibleTypes(parent), ...schema.getPossibleTypes(parent)];
    const abstract = Object.values(schema.getTypeMap()).filter(isAbstractType);
    return [parent, parent, ...abstract.filter((type) => schema.isSubType(type, parent))];
  }

  function selections(parent: GraphQLCompositeType, depth: number): string {
    const count = 1 + random.below(isAbstractType(parent) ? 5 : 4);
    const parts = Array.from({ length: count }).flatMap((): string[] => {
      const roll = random.below(100);
      if (roll < 8) return [`${random.chance(0.3) ? 't: ' : ''}__typename${directives()}`];
      if (depth > 0 && roll < 16) return [spread(parent, depth)];
      if (depth > 0 && (roll < 26 || (isAbstractType(parent) && roll < 80))) {
        if (random.chance(0.1)) return [`...${directives()} ${selections(parent, depth - 1)}`];
        const type = random.pick(conditionsFor(parent));
        return [`... on ${type.name}${directives()} ${selections(type, depth - 1)}`];
      }
      return fieldOf(parent, depth);
    });
    return `{ ${parts.length === 0 ? '__typename' : parts.join(' ')} }`;
  }

  const names: string[] = [];
  const operations = Array.from({ length: isSingle ? 1 : 2 }, (_, index) => {
    declared = new Map();
    calls.clear();
    aliased.clear();
    const kind = random.chance(0.2) ? 'mutation' : 'query';
    const body = selections(
      schema.getRootType(kind as never) as GraphQLCompositeType,
      random.pick([1, 2, 3, 3, 4, 4, 5]),
    );
    const definitions = [...declared].map(([name, type]) => `$${name}: ${type}`);
    const name = isSingle && random.chance(0.6) ? '' : ` Op${index}`;
    if (name !== '') names.push(name.trim());
    return `${kind}${name}${definitions.length > 0 ? `(${definitions.join(', ')})` : ''} ${body}`;
  });
  const text = [...operations, ...[...fragments.values()].map((fragment) => fragment.text)].join('\n');
  return { query: random.chance(0.02) ? damaged(text, random) : text, variables: givenVariables, names };
}

const damaged = (text: string, random: Random): string =>
  random.pick([text.slice(0, -1), text.replace('id', 'idd'), text.replace(' {', ' { unknown'), `${text} { id }`, '']);

function randomInput(schema: GraphQLSchema, type: GraphQLInputType, random: Random): Value {
  if (random.chance(0.001)) return random.pick(WRONG);
  if (isNonNullType(type)) return random.chance(0.001) ? NULL : randomInput(schema, type.ofType, random);
  if (random.chance(0.05)) return NULL;
  if (isListType(type)) {
    const items = Array.from({ length: random.below(3) }, () => randomInput(schema, type.ofType, random));
    return { json: items.map(({ json }) => json), text: `[${items.map(({ text }) => text).join(', ')}]` };
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
      .filter((field) => isNonNullType(field.type) || random.chance(0.3))
      .map((field) => [field.name, randomInput(schema, field.type, random)] as const);
    return {
      json: Object.fromEntries(fields.map(([name, { json }]) => [name, json])),
      text: `{ ${fields.map(([name, { text }]) => `${name}: ${text}`).join(', ')} }`,
    };
  }
  if (isEnumType(type)) {
    const { name } = random.pick(type.getValues());
    return { json: name, text: name };
  }
  if (type.name === '_Any') return randomReference(schema, random);
  const number = random.below(9) + 1;
  const json =
    { Int: number, Boolean: number > 4, DateTime: '2026-01-01T00:00:00.000Z' }[type.name] ?? `text ${number}`;
  return { json, text: JSON.stringify(json) };
}

/** Returns a reference to an entity of a subgraph. */
function randomReference(schema: GraphQLSchema, random: Random): Value {
  const entities = schema.getType('_Entity');
  const { name } = random.pick(isUnionType(entities) ? entities.getTypes() : []);
  const id = `id-${random.below(3)}`;
  return { json: { __typename: name, id }, text: `{ __typename: "${name}", id: "${id}" }` };
}

const NULL: Value = { json: null, text: 'null' };
