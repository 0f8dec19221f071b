import type { Experimental_DidResolveQueryPlanCallback } from '@apollo/gateway';
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema, isObjectType } from 'graphql';
import { isRecord } from '#platform/graphql/plain-body.ts';
import type { GatewayContext } from '../context.ts';
import { type Data, ownValue } from './data.ts';
import { asksForPublicFields, type ServedSchema } from './public-fields.ts';

export type QueryPlan = Parameters<Experimental_DidResolveQueryPlanCallback>[0]['queryPlan'];
type SubscriptionNode = Extract<NonNullable<QueryPlan['node']>, { kind: 'Subscription' }>;
type PlanNode = Exclude<NonNullable<QueryPlan['node']>, SubscriptionNode>;
type FetchNode = Extract<PlanNode, { kind: 'Fetch' }>;
type RequiredSelection = NonNullable<FetchNode['requires']>[number];
type Path = readonly (string | number)[];

/** One operation for a subgraph. */
export interface Fetch {
  readonly query: string;
  readonly variables: Data;
  readonly operationName: string | undefined;
  /** True for a fetch of entities whose fields every caller may see, with no variables but the representations. */
  readonly asksForPublicEntities?: boolean;
}

/** A subgraph's answer. The paths of its errors start at the root of the answer. */
export interface FetchAnswer {
  readonly data: Data | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

export type FetchFrom = (subgraph: string, fetch: Fetch, context: GatewayContext) => Promise<FetchAnswer>;

/** One execution of a query plan. The answers of the subgraphs are merged into `data`. */
interface Run {
  readonly variables: Data;
  readonly context: GatewayContext;
  readonly fetchFrom: FetchFrom;
  readonly data: Data;
  readonly errors: GraphQLError[];
}

/** The value that a plan node works on (an object, or the items of lists) and its path, where `@` means a list. */
interface Position {
  readonly value: unknown;
  readonly path: readonly string[];
}

type Step = (run: Run, position: Position) => Promise<unknown>;

export type ExecutePlan = (
  run: Pick<Run, 'variables' | 'context' | 'fetchFrom'>,
) => Promise<{ data: Data; errors: readonly GraphQLError[] }>;

/**
 * Compiles a query plan into a function that fetches its data. It follows `executeQueryPlan` of @apollo/gateway 2.14,
 * with one correction: the errors of entities have the right paths even when another entity cannot be requested.
 * The plan of a subscription is executed like that of a query: the function answers one change. Returns undefined for a
 * plan with parts that our schemas never produce: rewrites, representations by abstract types, @defer.
 */
export function compileQueryPlan({ node }: QueryPlan, served: ServedSchema): ExecutePlan | undefined {
  const step = node === undefined ? async () => undefined : compileNode(inSequence(node), served);
  if (step === undefined) return undefined;
  return async (given) => {
    const run: Run = { ...given, data: Object.create(null), errors: [] };
    await step(run, { value: run.data, path: [] });
    return run;
  };
}

const inSequence = (node: NonNullable<QueryPlan['node']>): PlanNode =>
  node.kind === 'Subscription'
    ? { kind: 'Sequence', nodes: node.rest === undefined ? [node.primary] : [node.primary, node.rest] }
    : node;

function compileNode(node: PlanNode, served: ServedSchema): Step | undefined {
  switch (node.kind) {
    case 'Fetch':
      return compileFetch(node, served);
    case 'Flatten': {
      const step = compileNode(node.node, served);
      const path = node.path.map(String);
      if (step === undefined) return undefined;
      return async (run, position) => {
        const value = valueAt(position.value, path);
        if (value) await step(run, { value, path: [...position.path, ...path] });
      };
    }
    case 'Condition': {
      const branches = [node.ifClause, node.elseClause].map((clause) =>
        clause === undefined ? async () => undefined : compileNode(clause, served),
      );
      const [onTrue, onFalse] = branches;
      if (onTrue === undefined || onFalse === undefined) return undefined;
      return async (run, position) => {
        const isMet = ownValue(run.variables, node.condition);
        if (typeof isMet !== 'boolean') throw new Error(`The condition $${node.condition} is not a Boolean.`);
        await (isMet ? onTrue : onFalse)(run, position);
      };
    }
    case 'Sequence':
    case 'Parallel': {
      const steps = node.nodes.flatMap((child) => compileNode(child, served) ?? []);
      if (steps.length < node.nodes.length) return undefined;
      if (node.kind === 'Parallel') return (run, position) => Promise.all(steps.map((step) => step(run, position)));
      return async (run, position) => {
        for (const step of steps) await step(run, position);
      };
    }
    default:
      return undefined;
  }
}

/** Returns the value at a path. Lists are flattened into their items. @throws when a list is missing or unexpected */
function valueAt(value: unknown, path: readonly string[], at = 0): unknown {
  const key = path[at];
  if (key === undefined || value == null) return value;
  if (Array.isArray(value) !== (key === '@')) throw new Error(`A subgraph answered with a wrong type at ${path}.`);
  if (Array.isArray(value)) return value.flatMap((item) => valueAt(item, path, at + 1));
  return valueAt(ownValue(value, key), path, at + 1);
}

function compileFetch(node: FetchNode, served: ServedSchema): Step | undefined {
  if (node.inputRewrites?.length || node.outputRewrites?.length || node.contextRewrites?.length) return undefined;
  const { serviceName, operation: query, operationName, variableUsages = [] } = node;
  if (!namesObjectTypesOnly(node.requires ?? [], served.schema)) return undefined;
  const represent = node.requires && compileRepresentation(node.requires);
  const asksForPublicEntities =
    represent !== undefined && variableUsages.length === 0 && asksForPublicFields(query, served);

  const fetch = async (run: Run, more: Data, placeError: (path: Path) => Path) => {
    const variables: Data = {};
    for (const name of variableUsages) {
      const value = ownValue(run.variables, name);
      if (value !== undefined) variables[name] = value;
    }
    if (represent && Object.hasOwn(variables, 'representations')) {
      throw new Error('A variable of the client has the reserved name representations.');
    }
    const sent = { query, variables: { ...variables, ...more }, operationName, asksForPublicEntities };
    const { data, errors = [] } = await run.fetchFrom(serviceName, sent, run.context);
    const placed = errors.map((error) => subgraphError(error, serviceName, error.path && placeError(error.path)));
    run.errors.push(...placed);
    return data;
  };

  async function fetchRoot(run: Run, objects: readonly Data[], path: Path): Promise<void> {
    const data = await fetch(run, {}, (place) => [...path, ...place]);
    for (const object of objects) merge(object, data);
  }

  async function fetchEntities(
    run: Run,
    objects: readonly Data[],
    path: readonly string[],
    toRepresentation: Represent,
  ): Promise<void> {
    /** The indexes of the objects whose entities are requested. */
    const asked: number[] = [];
    const representations: Data[] = [];
    for (const [place, object] of objects.entries()) {
      const representation = toRepresentation(object);
      if (!representation?.__typename) continue;
      representations.push(representation);
      asked.push(place);
    }
    if (representations.length === 0) return;
    let paths: Path[] | undefined;
    const data = await fetch(run, { representations }, (place) => {
      const [, index, ...rest] = place;
      if (typeof index !== 'number') return [...path, ...place];
      paths ??= pathsOf(run.data, path);
      return [...(paths[asked[index] ?? -1] ?? []), ...rest];
    });
    if (!data) return;
    const { _entities: entities } = data as { _entities?: (Data | null)[] };
    if (!Array.isArray(entities)) throw new Error('A subgraph answered without a list of entities.');
    if (entities.length !== asked.length) throw new Error('A subgraph answered with a wrong number of entities.');
    for (const [index, entity] of entities.entries()) {
      const object = objects[asked[index] as number] as Data;
      if (entity && !entity.__typename) entity.__typename = object.__typename;
      merge(object, entity);
    }
  }

  return async (run, { value, path }) => {
    const objects = Array.isArray(value) ? value.filter((item) => item != null) : [value as Data];
    if (objects.length === 0) return;
    try {
      await (represent ? fetchEntities(run, objects, path, represent) : fetchRoot(run, objects, path));
    } catch (error) {
      run.errors.push(toGraphQLError(error));
    }
  };
}

/** Returns a GraphQLError unchanged, and wraps any other value in one. */
export function toGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(cause.message, { originalError: cause });
}

/** Creates the error of a subgraph with the wording of @apollo/gateway. */
const subgraphError = (error: GraphQLFormattedError, serviceName: string, path: Path | undefined) =>
  new GraphQLError(error.message || `Error while fetching subquery from service "${serviceName}"`, {
    originalError: error as GraphQLError,
    path,
    extensions: { ...error.extensions, serviceName },
  });

type Represent = (entity: Data) => Data | null;

/** Compiles the fields that identify an entity. The function returns null when one of them is missing. */
function compileRepresentation(selections: readonly RequiredSelection[]): Represent {
  const steps = selections.map((selection): ((entity: Data, result: Data) => boolean) => {
    if (selection.kind === 'InlineFragment') {
      const represent = compileRepresentation(selection.selections);
      return (entity, result) => {
        if (entity.__typename === selection.typeCondition) merge(result, represent(entity));
        return true;
      };
    }
    const key = selection.alias ?? selection.name;
    const represent = selection.selections && compileRepresentation(selection.selections);
    const one = (value: unknown) => (represent && value !== null ? represent(value as Data) : value);
    return (entity, result) => {
      const value = ownValue(entity, key);
      if (value === undefined) return false;
      result[key] = Array.isArray(value) ? value.map(one) : one(value);
      return true;
    };
  });
  return (entity) => {
    const result: Data = {};
    for (const step of steps) if (!step(entity, result)) return null;
    return result;
  };
}

/** True if the selections name only object types. Then `__typename` is enough to decide whether a selection applies. */
const namesObjectTypesOnly = (selections: readonly RequiredSelection[], schema: GraphQLSchema): boolean =>
  selections.every((selection) => {
    const { selections: inner = [] } = selection;
    const isPlain = selection.kind === 'Field' || isObjectType(schema.getType(selection.typeCondition ?? ''));
    return isPlain && namesObjectTypesOnly(inner, schema);
  });

/** Merges a subgraph's answer into existing data. Objects, and lists of the same length, are merged item by item. */
function merge(target: Data, source: Data | null | undefined): void {
  if (source == null) return;
  for (const key of Object.keys(source)) {
    const value = source[key];
    const held = ownValue(target, key);
    if (isRecord(value) && held) merge(held as Data, value);
    else if (Array.isArray(value) && Array.isArray(held) && value.length === held.length) {
      for (const [index, item] of value.entries()) {
        if (isRecord(item) && isRecord(held[index])) merge(held[index], item);
        else held[index] = item;
      }
    } else if (key === '__proto__') {
      Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
    } else target[key] = value;
  }
}

/** Returns the paths of all values at a path, with list indexes instead of `@`. */
function pathsOf(value: unknown, path: readonly string[], found: Path = []): Path[] {
  const [key, ...rest] = path;
  if (value == null) return [];
  if (key === undefined) return [found];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => pathsOf(item, key === '@' ? rest : path, [...found, index]));
  }
  if (key === '@') throw new Error(`A subgraph answered with no list at ${path}.`);
  return pathsOf(ownValue(value, key), rest, [...found, key]);
}
