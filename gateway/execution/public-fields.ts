import {
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  parse,
  print,
  type SelectionSetNode,
} from 'graphql';

/** The fields that every caller may see, each as `Type.field`. */
export type PublicFields = ReadonlySet<string>;

/** The schema that the gateway serves. */
export interface ServedSchema {
  readonly schema: GraphQLSchema;
  readonly publicFields: PublicFields;
}

/** `npm run compose` adds this directive to the fields of entities that every caller may see. */
const PUBLIC = '@federation__tag(name: "public")';

/** Reads the public fields of a supergraph. */
export function readPublicFields(supergraphSdl: string): PublicFields {
  const publicFields = new Set<string>();
  for (const type of parse(supergraphSdl, { noLocation: true }).definitions) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const { name, directives = [] } of type.fields ?? []) {
      if (directives.some((directive) => print(directive) === PUBLIC))
        publicFields.add(`${type.name.value}.${name.value}`);
    }
  }
  return publicFields;
}

/** True if a fetch of entities selects only public fields. It is false when the fetch has a form that is not known. */
export function asksForPublicFields(query: string, served: ServedSchema): boolean {
  const [operation, ...others] = parse(query, { noLocation: true }).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION || others.length > 0) return false;
  const [entities, ...more] = operation.selectionSet.selections;
  if (entities?.kind !== Kind.FIELD || entities.name.value !== '_entities' || more.length > 0) return false;

  return selectsPublicFields({ selectionSet: entities.selectionSet, fragments: new Map() }, served);
}

/**
 * True if a selection of a type contains only public fields of entities. It is false when the selection uses a fragment
 * that is not in `fragments`.
 */
export function selectsPublicFields(
  {
    selectionSet,
    typeName,
    fragments,
  }: {
    selectionSet: SelectionSetNode | undefined;
    typeName?: string;
    fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  },
  { schema, publicFields }: ServedSchema,
): boolean {
  const isPublic = (selected: SelectionSetNode | undefined, ofType: string | undefined): boolean =>
    (selected?.selections ?? []).every((selection) => {
      if (selection.kind !== Kind.FIELD) {
        const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
        return fragment !== undefined && isPublic(fragment.selectionSet, fragment.typeCondition?.name.value ?? ofType);
      }
      const { name, selectionSet: inner } = selection;
      if (name.value === '__typename') return true;
      const type = schema.getType(ofType ?? '');
      if (!isObjectType(type) || !publicFields.has(`${ofType}.${name.value}`)) return false;
      const field = type.getFields()[name.value];
      return field !== undefined && isPublic(inner, getNamedType(field.type).name);
    });
  return isPublic(selectionSet, typeName);
}
