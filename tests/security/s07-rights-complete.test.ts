import { readFileSync } from 'node:fs';
import {
  buildASTSchema,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  parse,
  print,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { documentOf, RIGHTS, type Right } from './rights-table.ts';

const supergraph = buildASTSchema(parse(readFileSync('gateway/supergraph.graphql', 'utf8')), { assumeValidSDL: true });

describe('the table of access rights', () => {
  it('covers every field of every type, and every mutation', () => {
    expect(fieldsOf(supergraph).difference(fieldsAskedFor(supergraph, RIGHTS))).toEqual(new Set());
  });

  it('covers every type that a subgraph resolves by reference', () => {
    expect(entitiesOf(supergraph).difference(entitiesAskedFor(RIGHTS))).toEqual(new Set());
  });

  it('control: a missing line is found', () => {
    const without = (text: string) => RIGHTS.filter(({ operation }) => !operation.includes(text));
    const missing = fieldsOf(supergraph).difference(fieldsAskedFor(supergraph, without('setEventCapacity')));
    expect(missing).toContain('Mutation.setEventCapacity');
    expect(entitiesOf(supergraph).difference(entitiesAskedFor(without('... on Notification')))).toEqual(
      new Set(['notification Notification']),
    );
  });
});

/** Every field that clients can query, as Type.field. */
function fieldsOf(schema: GraphQLSchema): Set<string> {
  const fields = new Set<string>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!(isObjectType(type) || isInterfaceType(type)) || type.name.startsWith('__')) continue;
    for (const { name, astNode } of Object.values(type.getFields())) {
      if (!astNode?.directives?.some((directive) => directive.name.value === 'inaccessible')) {
        fields.add(`${type.name}.${name}`);
      }
    }
  }
  return fields;
}

/** Every field that the client operations of the table select. */
function fieldsAskedFor(schema: GraphQLSchema, rights: readonly Right[]): Set<string> {
  const fields = new Set<string>();
  const typeInfo = new TypeInfo(schema);
  const visitor = visitWithTypeInfo(typeInfo, {
    Field: ({ name }) => void fields.add(`${typeInfo.getParentType()?.name}.${name.value}`),
  });
  for (const right of rights.filter(({ subgraph }) => subgraph === undefined)) visit(documentOf(right), visitor);
  return fields;
}

/** Every type that a subgraph resolves by reference, as "subgraph Type". */
function entitiesOf(schema: GraphQLSchema): Set<string> {
  const entities = new Set<string>();
  for (const { name, astNode } of Object.values(schema.getTypeMap())) {
    for (const directive of astNode?.directives ?? []) {
      const values = Object.fromEntries((directive.arguments ?? []).map((one) => [one.name.value, print(one.value)]));
      if (directive.name.value !== 'join__type' || !values.key || values.resolvable === 'false') continue;
      entities.add(`${values.graph?.toLowerCase()} ${name}`);
    }
  }
  return entities;
}

const entitiesAskedFor = (rights: readonly Right[]): Set<string> =>
  new Set(
    rights
      .filter(({ subgraph }) => subgraph !== undefined)
      .map(({ subgraph, operation }) => `${subgraph} ${/__typename: "(\w+)"/.exec(operation)?.[1]}`),
  );
