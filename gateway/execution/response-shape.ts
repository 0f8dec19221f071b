import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  type SelectionSetNode,
  specifiedScalarTypes,
  type ValueNode,
} from 'graphql';
import { type Data, ownValue } from './data.ts';

/** The part of the subgraphs' data that an operation selects, and notes about invalid values that became null. */
export interface ShapedResponse {
  readonly data: Data | null;
  readonly emptied: readonly GraphQLError[];
}

export type ShapeResponse = (input: Data, variables: Data) => ShapedResponse;

interface Shaping {
  readonly variables: Data;
  readonly path: (string | number)[];
  readonly emptied: GraphQLError[];
}

/** Shapes one selection into `output`. Returns false when the object itself must become null. */
type ShapeSelection = (input: Data, output: Data, type: GraphQLNamedType, shaping: Shaping) => boolean;

interface Shaped {
  readonly value: unknown;
  /** The value is null where its type does not allow it. */
  readonly isInvalid?: boolean;
  /** A note about the null exists already. */
  readonly isNoted?: boolean;
}

type ShapeValue = (input: unknown, held: unknown, parent: GraphQLNamedType, shaping: Shaping) => Shaped;

/** An object without inherited names, so that no response name can reach a prototype. */
const Output = function Output() {
  // The caller sets the fields.
} as unknown as { new (): Data };
Output.prototype = Object.create(null);

const NO_TYPE_NAME = 'A subgraph answered with a __typename that is not a string.';
const NULL: Shaped = { value: null };
const INTEGER = /^-?\d+$/;

/**
 * Compiles an operation's selections into a function that turns the merged data of the subgraphs into the response. It
 * handles aliases, fragments, @skip, @include and the propagation of nulls. It follows `computeResponse` of
 * @apollo/gateway 2.14 case by case. Returns undefined for an introspection operation.
 */
export function compileResponseShape(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): ShapeResponse | undefined {
  const root = schema.getRootType(operation.operation);
  if (root == null) return undefined;
  let asksForSchema = false;
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );

  function compileSelections({ selections }: SelectionSetNode, parent: GraphQLNamedType): ShapeSelection {
    const steps = merged(selections).map((selection): ShapeSelection => {
      const isIncluded = compileCondition(selection.directives);
      const step = selection.kind === Kind.FIELD ? compileField(selection, parent) : compileFragment(selection, parent);
      if (isIncluded === undefined) return step;
      return (input, output, type, shaping) => !isIncluded(shaping.variables) || step(input, output, type, shaping);
    });
    return (input, output, type, shaping) => {
      for (const step of steps) if (!step(input, output, type, shaping)) return false;
      return true;
    };
  }

  function compileFragment(
    selection: Exclude<SelectionSetNode['selections'][number], FieldNode>,
    parent: GraphQLNamedType,
  ) {
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : (fragments.get(selection.name.value) as FragmentDefinitionNode);
    const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
    const shape = compileSelections(fragment.selectionSet, condition ?? parent);
    const step: ShapeSelection = (input, output, type, shaping) => {
      const name = ownValue(input, '__typename');
      if (name && typeof name !== 'string') throw new Error(NO_TYPE_NAME);
      const actual = name ? schema.getType(String(name)) : type;
      if (condition !== undefined && !(actual && isSubtype(condition, actual))) return true;
      return shape(input, output, condition ?? type, shaping);
    };
    return step;
  }

  function isSubtype(type: GraphQLNamedType, actual: GraphQLNamedType): boolean {
    if (type === actual) return true;
    return (
      isAbstractType(type) &&
      (isObjectType(actual) || isAbstractType(actual)) &&
      schema.isSubType(type, actual as never)
    );
  }

  function compileField(field: FieldNode, parent: GraphQLNamedType): ShapeSelection {
    const name = field.name.value;
    const key = field.alias?.value ?? name;
    if (name === '__typename') return compileTypename(key);
    if (name === '__schema' || name === '__type') {
      asksForSchema = true;
      return () => true;
    }
    const definition = isCompositeType(parent) && 'getFields' in parent ? parent.getFields()[name] : undefined;
    if (definition === undefined) throw new Error(`The schema has no field ${parent.name}.${name}.`);
    const shape = compileValue(definition.type, field.selectionSet);
    return (input, output, type, shaping) => {
      shaping.path.push(key);
      const { value, isInvalid } = shape(ownValue(input, key) ?? null, output[key], type, shaping);
      shaping.path.pop();
      output[key] = value;
      return isInvalid !== true;
    };
  }

  const compileTypename =
    (key: string): ShapeSelection =>
    (input, output, type) => {
      if (output[key] !== undefined) return true;
      const name = ownValue(input, key) ?? ownValue(input, '__typename');
      const actual = (typeof name === 'string' ? schema.getType(name) : undefined) ?? type;
      if (!isObjectType(actual)) return false;
      output[key] = actual.name;
      return true;
    };

  function compileValue(type: GraphQLOutputType, selectionSet: SelectionSetNode | undefined): ShapeValue {
    const shape = compileNullable(isNonNullType(type) ? type.ofType : type, selectionSet);
    const keepsHeld = selectionSet === undefined;
    if (!isNonNullType(type)) {
      return (input, held, parent, shaping) => {
        if (held === null || (held !== undefined && keepsHeld)) return { value: held };
        return input === null ? NULL : shape(input, held, parent, shaping);
      };
    }
    return (input, held, parent, shaping) => {
      if (held === null || (held !== undefined && keepsHeld)) return { value: held };
      const shaped = input === null ? NULL : shape(input, held, parent, shaping);
      if (shaped.value !== null) return { value: shaped.value };
      if (shaped.isNoted !== true) {
        note(shaping, `Cannot return null for non-nullable ${describe(shaping, type.ofType, parent)}.`);
      }
      return { value: null, isInvalid: true, isNoted: true };
    };
  }

  function compileNullable(type: GraphQLOutputType, selectionSet: SelectionSetNode | undefined): ShapeValue {
    if (isListType(type)) return compileList(compileValue(type.ofType, selectionSet), type);
    if (isCompositeType(type) && selectionSet !== undefined) return compileObject(type, selectionSet);
    const isValid = leafCheck(type);
    return (input, _held, parent, shaping) => {
      if (isValid(input)) return { value: input };
      note(shaping, `Invalid value found for ${describe(shaping, type, parent)}.`);
      return { value: null, isNoted: true };
    };
  }

  function compileList(shapeItem: ShapeValue, type: GraphQLOutputType): ShapeValue {
    return (input, held, parent, shaping) => {
      if (!Array.isArray(input)) throw new Error(`A subgraph answered with no list for ${type}.`);
      let [isInvalid, isNoted] = [false, false];
      const value = input.map((item, index) => {
        shaping.path.push(index);
        const shaped = shapeItem(item, (held as unknown[] | undefined)?.[index], parent, shaping);
        shaping.path.pop();
        isInvalid ||= shaped.isInvalid === true;
        isNoted ||= shaped.isNoted === true;
        return shaped.value;
      });
      return { value: isInvalid ? null : value, isNoted };
    };
  }

  function compileObject(type: GraphQLCompositeType, selectionSet: SelectionSetNode): ShapeValue {
    const shape = compileSelections(selectionSet, type);
    return (input, held, parent, shaping) => {
      if (typeof input !== 'object') throw new Error(`A subgraph answered with no object for ${type}.`);
      const name = ownValue(input as Data, '__typename');
      let actual: GraphQLNamedType = type;
      if (name !== undefined && typeof name !== 'string') throw new Error(NO_TYPE_NAME);
      if (name) {
        const named = schema.getType(name);
        if (named === undefined || !isCompositeType(named)) {
          note(shaping, `Invalid __typename found for object at ${describe(shaping, type, parent)}.`);
          return { value: null, isNoted: true };
        }
        actual = named;
      }
      const output = (held as Data | undefined) ?? new Output();
      return shape(input as Data, output, actual, shaping) ? { value: output } : { value: null, isNoted: true };
    };
  }

  const shape = compileSelections(operation.selectionSet, root);
  if (asksForSchema) return undefined;
  return (input, variables) => {
    const shaping: Shaping = { variables, path: [], emptied: [] };
    const output = new Output();
    const isWhole = shape(input, output, root, shaping);
    return { data: isWhole ? output : null, emptied: shaping.emptied };
  };
}

/** Merges repeated selections of the same field into the first one. */
function merged(selections: readonly SelectionNode[]): SelectionNode[] {
  const byKey = new Map<string, SelectionNode>();
  for (const selection of selections) {
    const key = keyOf(selection);
    const first = byKey.get(key);
    byKey.set(key, first === undefined ? selection : mergedPair(first, selection));
  }
  return [...byKey.values()];
}

function mergedPair(first: SelectionNode, second: SelectionNode): SelectionNode {
  if (!('selectionSet' in first && first.selectionSet && 'selectionSet' in second && second.selectionSet)) return first;
  const selections = [...first.selectionSet.selections, ...second.selectionSet.selections];
  return { ...first, selectionSet: { ...first.selectionSet, selections } } as SelectionNode;
}

/** Selections with the same key select from the same object under the same conditions. */
function keyOf(selection: SelectionNode): string {
  const directives = (selection.directives ?? []).map(print).join(' ');
  if (selection.kind === Kind.FIELD) return `${(selection.alias ?? selection.name).value} ${directives}`;
  if (selection.kind === Kind.FRAGMENT_SPREAD) return `...${selection.name.value} ${directives}`;
  return `... on ${selection.typeCondition?.name.value ?? ''} ${directives}`;
}

/** Returns a function that decides whether a selection is included, or undefined when it always is. */
function compileCondition(directives: FieldNode['directives'] = []): ((variables: Data) => boolean) | undefined {
  const conditions = ['skip', 'include'].flatMap((name) => {
    const value = directives.find((directive) => directive.name.value === name)?.arguments?.[0]?.value;
    if (value === undefined) return [];
    return [(variables: Data) => booleanOf(value, variables) === (name === 'include')];
  });
  return conditions.length === 0 ? undefined : (variables) => conditions.every((isMet) => isMet(variables));
}

/** @throws for a null variable, which GraphQL allows if the variable has a default */
function booleanOf(value: ValueNode, variables: Data): boolean {
  const boolean =
    value.kind === Kind.VARIABLE ? ownValue(variables, value.name.value) : 'value' in value && value.value;
  if (typeof boolean !== 'boolean') throw new Error('The condition of a directive is not a Boolean.');
  return boolean;
}

/** Returns a check of JSON values for a leaf type. Any value of a custom scalar passes: its subgraph serialized it. */
function leafCheck(type: GraphQLOutputType): (value: unknown) => boolean {
  if (isEnumType(type)) return (value) => typeof value === 'string' && type.getValue(value) !== undefined;
  if (!isScalarType(type) || !specifiedScalarTypes.some(({ name }) => name === type.name)) return () => true;
  const isInteger = (value: unknown) => typeof value === 'number' && INTEGER.test(String(value));
  return {
    Boolean: (value: unknown) => typeof value === 'boolean',
    Int: isInteger,
    Float: Number.isFinite,
    String: (value: unknown) => typeof value === 'string',
    ID: (value: unknown) => typeof value === 'string' || isInteger(value),
  }[type.name] as (value: unknown) => boolean;
}

function note({ emptied, path }: Shaping, message: string): void {
  emptied.push(new GraphQLError(message, { path: [...path] }));
}

function describe({ path }: Shaping, type: GraphQLOutputType, parent: GraphQLNamedType): string {
  const last = path.at(-1);
  return typeof last === 'string' ? `field ${parent.name}.${last}` : `array element of type ${type} at index ${last}`;
}
