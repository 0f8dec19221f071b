import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import {
  everyone,
  type FieldRules,
  type Policy,
  type Rule,
  type TypePolicy,
  type Visibility,
  visibleToEveryone,
} from './authorization.ts';

/**
 * Applies a policy to a subgraph's schema. It covers every way to an object: root and nested fields, lists, edges of
 * connections, and references from other subgraphs. Fields and types that everyone may see cost nothing at run time.
 * @throws Error when the policy leaves out a type or field, names one that does not exist, or could hide a value that
 *   must not be null
 */
export function applyPolicy<Context>(schema: GraphQLSchema, policy: Policy<Context>): void {
  const { Query, Mutation, Subscription, types } = policy;
  const roots = {
    Query: { ...visibleToEveryone, fields: Query },
    ...(Mutation !== undefined && { Mutation: { ...visibleToEveryone, fields: Mutation } }),
    ...(Subscription !== undefined && { Subscription: { ...visibleToEveryone, fields: Subscription } }),
  };
  const policies = new Map<string, TypePolicy<Context>>(Object.entries({ ...types, ...roots }));
  const problems = [...findProblems(schema, policies)];
  if (problems.length > 0) throw new Error(`The policy ${problems.join(', ')}.`);

  for (const [name, { visibleTo, fields }] of policies) {
    const type = schema.getType(name) as GraphQLObjectType;
    for (const field of ownFields(type)) {
      const result = policies.get(getNamedType(field.type).name);
      guardField(field, { rule: ruleOf(fields, field.name), visibleTo: result?.visibleTo ?? everyone });
    }
    if (visibleTo !== everyone) guardReference(type, visibleTo);
  }
}

const ruleOf = <Context>(fields: TypePolicy<Context>['fields'], name: string) =>
  fields === everyone ? everyone : ((fields as FieldRules<Context>)[name] ?? everyone);

const ROOT_TYPES: ReadonlySet<string> = new Set(['Query', 'Mutation', 'Subscription']);

/** Names that begin with an underscore belong to GraphQL or to Apollo Federation. */
const isOwn = ({ name }: { name: string }) => !name.startsWith('_');
const ownFields = (type: GraphQLObjectType) => Object.values(type.getFields()).filter(isOwn);

function* findProblems<Context>(schema: GraphQLSchema, policies: ReadonlyMap<string, TypePolicy<Context>>) {
  const types = Object.values(schema.getTypeMap()).filter(isOwn);
  const objectTypes = types.filter(isObjectType);
  yield* differences(new Set(objectTypes.map(({ name }) => name)), new Set(policies.keys()));
  for (const type of objectTypes) {
    const fields = policies.get(type.name)?.fields ?? everyone;
    if (fields === everyone) continue;
    const names = ownFields(type).map(({ name }) => `${type.name}.${name}`);
    yield* differences(new Set(names), new Set(Object.keys(fields).map((name) => `${type.name}.${name}`)));
    if (ROOT_TYPES.has(type.name)) continue;
    for (const { name, type: fieldType } of ownFields(type)) {
      const isHidable = ruleOf(fields, name) !== everyone;
      if (isHidable && isNonNullType(fieldType)) yield `could hide ${type.name}.${name}, which must not be null`;
    }
  }
  for (const type of types.filter(isAbstractType)) {
    for (const { name } of schema.getPossibleTypes(type)) {
      const isHidable = (policies.get(name)?.visibleTo ?? everyone) !== everyone;
      if (isHidable) yield `could hide ${name}, which is a member of ${type.name}`;
    }
  }
}

function* differences(existing: ReadonlySet<string>, named: ReadonlySet<string>) {
  for (const name of existing.difference(named)) yield `does not name ${name}`;
  for (const name of named.difference(existing)) yield `names ${name}, which does not exist`;
}

/** Checks the field's rule before the field is resolved, and the visibility of the result afterwards. */
function guardField<Context>(
  field: GraphQLField<unknown, Context>,
  { rule, visibleTo }: { rule: Rule<never, Context, never>; visibleTo: Visibility<Context> },
): void {
  if (rule === everyone && visibleTo === everyone) return;
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (object, args, context, info) =>
    when(rule(object as never, context, args as never), () =>
      visibleTo === everyone
        ? resolve(object, args, context, info)
        : visible(resolve(object, args, context, info), visibleTo, context),
    );
}

interface SubgraphExtensions<Context> {
  apollo?: { subgraph?: { resolveReference?: (reference: object, context: Context, info: unknown) => unknown } };
}

/** Checks the objects that `_entities` returns. Apollo reads the resolver from the type's extensions. */
function guardReference<Context>(type: GraphQLObjectType, visibleTo: Visibility<Context>): void {
  const { apollo } = type.extensions as SubgraphExtensions<Context>;
  const read = apollo?.subgraph?.resolveReference ?? ((reference) => reference);
  const resolveReference: typeof read = (reference, context, info) =>
    visible(read(reference, context, info), visibleTo, context);
  type.extensions = { ...type.extensions, apollo: { ...apollo, subgraph: { ...apollo?.subgraph, resolveReference } } };
}

/** The value if it is visible, otherwise null. For a list: its visible items. */
function visible<Context>(value: unknown, visibleTo: Visibility<Context>, context: Context): unknown {
  if (value === null || value === undefined) return value;
  if (isPromise(value)) return value.then((settled) => visible(settled, visibleTo, context));
  if (!Array.isArray(value)) return when(visibleTo(value as never, context, undefined), () => value);
  const verdicts = value.map((item) => item === null || visibleTo(item as never, context, undefined));
  const seen = (settled: readonly boolean[]) => value.filter((_, index) => settled[index]);
  return verdicts.some(isPromise) ? Promise.all(verdicts).then(seen) : seen(verdicts as boolean[]);
}

/** Reads the value if the verdict is true. It stays synchronous when the verdict is synchronous. */
const when = (verdict: boolean | Promise<boolean>, read: () => unknown): unknown => {
  if (isPromise(verdict)) return verdict.then((isSeen) => (isSeen ? read() : null));
  return verdict ? read() : null;
};

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as { then?: unknown } | null)?.then === 'function';
