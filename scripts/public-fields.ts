import {
  type ASTNode,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  visit,
} from 'graphql';
import { everyone, type FieldRules, type Policy } from '#platform/identity/authorization.ts';
import { SUBGRAPHS } from '#services';

interface SubgraphSchema {
  readonly name: string;
  readonly typeDefs: DocumentNode;
}

const POLICIES: Readonly<Record<string, Policy<never>>> = Object.fromEntries(
  await Promise.all(
    SUBGRAPHS.map(async (name) => [name, (await import(`../subgraphs/${name}/policy.ts`)).policy] as const),
  ),
);

/**
 * Adds the tag `public` to the fields of entities that every caller may see, according to the policies of all subgraphs
 * with the field. The gateway may join what different callers ask of such fields.
 */
export function tagPublicFields<Schema extends SubgraphSchema>(schemas: readonly Schema[]): Schema[] {
  const isPublic = (type: string, field: string) =>
    schemas.every(({ name, typeDefs }) => !defines(typeDefs, type, field) || showsToEveryone(name, type, field));
  return schemas.map((schema) => ({
    ...schema,
    typeDefs: visit(schema.typeDefs, {
      ObjectTypeDefinition: (type) =>
        isEntity(type) ? withTag(type, (field) => isPublic(type.name.value, field)) : undefined,
    }),
  }));
}

const isEntity = (node: ASTNode): node is ObjectTypeDefinitionNode =>
  node.kind === Kind.OBJECT_TYPE_DEFINITION && node.directives?.some(({ name }) => name.value === 'key') === true;

const defines = ({ definitions }: DocumentNode, type: string, field: string): boolean =>
  definitions.some(
    (node) => isEntity(node) && node.name.value === type && node.fields?.some(({ name }) => name.value === field),
  );

function showsToEveryone(subgraph: string, type: string, field: string): boolean {
  const { visibleTo, fields } = POLICIES[subgraph]?.types[type] ?? {};
  return visibleTo === everyone && (fields === everyone || (fields as FieldRules<never>)[field] === everyone);
}

const withTag = (type: ObjectTypeDefinitionNode, isPublic: (field: string) => boolean): ObjectTypeDefinitionNode => ({
  ...type,
  fields: (type.fields ?? []).map((field) =>
    isPublic(field.name.value) && !isExternal(field)
      ? { ...field, directives: [...(field.directives ?? []), TAG] }
      : field,
  ),
});

/** True for a field of another subgraph that this one only requires. Composition refuses tags on it. */
const isExternal = ({ directives }: FieldDefinitionNode): boolean =>
  directives?.some(({ name }) => name.value === 'external') === true;

const TAG: ConstDirectiveNode = {
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: 'federation__tag' },
  arguments: [
    {
      kind: Kind.ARGUMENT,
      name: { kind: Kind.NAME, value: 'name' },
      value: { kind: Kind.STRING, value: 'public' },
    },
  ],
};
