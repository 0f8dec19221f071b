import { type DocumentNode, type FieldNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';

/** The fields of a selection set and its fragments, without `__typename`. `type` leaves out fragments on others. */
export function fieldsOf(
  document: DocumentNode,
  selectionSet: SelectionSetNode | undefined,
  type?: string,
): FieldNode[] {
  return (selectionSet?.selections ?? []).flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return selection.name.value === '__typename' ? [] : [selection];
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : fragmentNamed(document, selection.name.value);
    const condition = fragment?.typeCondition?.name.value;
    const applies = type === undefined || condition === undefined || condition === type;
    return applies ? fieldsOf(document, fragment?.selectionSet, type) : [];
  });
}

const fragmentNamed = ({ definitions }: DocumentNode, name: string) =>
  definitions.find((definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name) as
    | FragmentDefinitionNode
    | undefined;
