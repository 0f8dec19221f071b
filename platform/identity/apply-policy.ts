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
 * Holds a subgraph's schema to its policy, in whatever way an object comes out: by a root or nested field, in a list,
 * at the edge of a connection, by reference. What everyone sees costs nothing.
 * @throws when the policy leaves out a type or field, names one that is not there, or could hide what must not be null
 */
export function applyPolicy<Context>(schema: GraphQLSchema, policy: Policy<Context>): void {
  const { Query, Mutation, types } = policy;
  const roots = {
    Query: { ...visibleToEveryone, fields: Query },
    ...(Mutation !== undefined && { Mutation: { ...visibleToEveryone, fields: Mutation } }),
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

/** Names that begin with an underscore are GraphQL's and the federation's own. */
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
    if (type.name === 'Query' || type.name === 'Mutation') continue;
    for (const { name, type: fieldType } of ownFields(type)) {
      const isHidable = ruleOf(fields, name) !== everyone;
      if (isHidable && isNonNullType(fieldType)) yield `could hide ${type.name}.${name}, which must not be null`;
    }
  }
  for (const type of types.filter(isAbstractType)) {
    for (const { name } of schema.getPossibleTypes(type)) {
      const isHidable = (policies.get(name)?.visibleTo ?? everyone) !== everyone;
      if (isHidable) yield `could hide ${name}, which would be seen as ${type.name}`;
    }
  }
}

function* differences(existing: ReadonlySet<string>, named: ReadonlySet<string>) {
  for (const name of existing.difference(named)) yield `does not name ${name}`;
  for (const name of named.difference(existing)) yield `names ${name}, which is not there`;
}

/** Asks the rule before the field is read, and whether what was read is seen. */
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

/** The same for `_entities`, which finds how to read a reference in the type's extensions. */
function guardReference<Context>(type: GraphQLObjectType, visibleTo: Visibility<Context>): void {
  const { apollo } = type.extensions as SubgraphExtensions<Context>;
  const read = apollo?.subgraph?.resolveReference ?? ((reference) => reference);
  const resolveReference: typeof read = (reference, context, info) =>
    visible(read(reference, context, info), visibleTo, context);
  type.extensions = { ...type.extensions, apollo: { ...apollo, subgraph: { ...apollo?.subgraph, resolveReference } } };
}

/** The value where it is seen, null where it is not; of a list what is seen of it. */
function visible<Context>(value: unknown, visibleTo: Visibility<Context>, context: Context): unknown {
  if (value === null || value === undefined) return value;
  if (isPromise(value)) return value.then((settled) => visible(settled, visibleTo, context));
  if (!Array.isArray(value)) return when(visibleTo(value as never, context, undefined), () => value);
  const verdicts = value.map((item) => item === null || visibleTo(item as never, context, undefined));
  const seen = (settled: readonly boolean[]) => value.filter((_, index) => settled[index]);
  return verdicts.some(isPromise) ? Promise.all(verdicts).then(seen) : seen(verdicts as boolean[]);
}

/** Stays synchronous where the verdict is. */
const when = (verdict: boolean | Promise<boolean>, read: () => unknown): unknown => {
  if (isPromise(verdict)) return verdict.then((isSeen) => (isSeen ? read() : null));
  return verdict ? read() : null;
};

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as { then?: unknown } | null)?.then === 'function';
