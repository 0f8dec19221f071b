import type { Experimental_DidResolveQueryPlanCallback } from '@apollo/gateway';
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema, isObjectType } from 'graphql';
import type { GatewayContext } from '../context.ts';
import type { Data } from './response-shape.ts';

export type QueryPlan = Parameters<Experimental_DidResolveQueryPlanCallback>[0]['queryPlan'];
type PlanNode = NonNullable<QueryPlan['node']>;
type FetchNode = Extract<PlanNode, { kind: 'Fetch' }>;
type RequiredSelection = NonNullable<FetchNode['requires']>[number];
type Path = readonly (string | number)[];

/** One operation for a subgraph. */
export interface Fetch {
  readonly query: string;
  readonly variables: Data;
  readonly operationName: string | undefined;
}

/** A subgraph's answer. The paths of its errors are within the answer. */
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

/** The objects that a node of the plan works on, and their path in the data; `@` stands for the items of a list. */
interface Position {
  readonly objects: readonly Data[];
  readonly path: Path;
}

type Step = (run: Run, position: Position) => Promise<unknown>;

export type ExecutePlan = (
  run: Pick<Run, 'variables' | 'context' | 'fetchFrom'>,
) => Promise<{ data: Data; errors: readonly GraphQLError[] }>;

/**
 * Compiles a query plan into a function that fetches its data. It follows `executeQueryPlan` of @apollo/gateway 2.14, with
 * one correction: the errors of entities have the right paths also when an entity could not be asked for. Answers
 * undefined for a plan with parts that our schemas never lead to: rewrites, representations by
 * abstract types, @defer, subscriptions.
 */
export function compileQueryPlan({ node }: QueryPlan, schema: GraphQLSchema): ExecutePlan | undefined {
  const step = node === undefined ? async () => undefined : compileNode(node, schema);
  if (step === undefined) return undefined;
  return async (given) => {
    const run: Run = { ...given, data: Object.create(null), errors: [] };
    await step(run, { objects: [run.data], path: [] });
    return run;
  };
}

function compileNode(node: PlanNode, schema: GraphQLSchema): Step | undefined {
  switch (node.kind) {
    case 'Fetch':
      return compileFetch(node, schema);
    case 'Flatten': {
      const step = compileNode(node.node, schema);
      const path = node.path.map(String);
      return step && ((run, position) => step(run, moveTo(position, path)));
    }
    case 'Condition': {
      const branches = [node.ifClause, node.elseClause].map((clause) =>
        clause === undefined ? async () => undefined : compileNode(clause, schema),
      );
      const [onTrue, onFalse] = branches;
      if (onTrue === undefined || onFalse === undefined) return undefined;
      return (run, position) => (run.variables[node.condition] === true ? onTrue : onFalse)(run, position);
    }
    case 'Sequence':
    case 'Parallel': {
      const steps = node.nodes.flatMap((child) => compileNode(child, schema) ?? []);
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

function moveTo({ objects, path }: Position, further: readonly string[]): Position {
  let found: unknown[] = [...objects];
  for (const key of further) {
    found = key === '@' ? found.flatMap((list) => list ?? []) : found.map((object) => ownValue(object, key));
  }
  return { objects: found.filter((object): object is Data => object != null), path: [...path, ...further] };
}

function compileFetch(node: FetchNode, schema: GraphQLSchema): Step | undefined {
  if (node.inputRewrites?.length || node.outputRewrites?.length || node.contextRewrites?.length) return undefined;
  const { serviceName, operation: query, operationName, variableUsages = [] } = node;
  if (!namesObjectTypesOnly(node.requires ?? [], schema)) return undefined;
  const represent = node.requires && compileRepresentation(node.requires);

  const fetch = async (run: Run, more: Data, placeError: (path: Path | undefined) => Path | undefined) => {
    const variables: Data = {};
    for (const name of variableUsages) {
      if (run.variables[name] !== undefined) variables[name] = run.variables[name];
    }
    Object.assign(variables, more);
    const { data, errors = [] } = await run.fetchFrom(serviceName, { query, variables, operationName }, run.context);
    for (const error of errors) run.errors.push(subgraphError(error, serviceName, placeError(error.path)));
    return data;
  };

  async function fetchRoot(run: Run, { objects, path }: Position): Promise<void> {
    const data = await fetch(run, {}, (place) => place && [...path, ...place]);
    for (const object of objects) merge(object, data);
  }

  async function fetchEntities(run: Run, { objects, path }: Position, toRepresentation: Represent): Promise<void> {
    const asked: Data[] = [];
    const representations: Data[] = [];
    for (const object of objects) {
      const representation = toRepresentation(object);
      if (typeof representation?.__typename !== 'string') continue;
      representations.push(representation);
      asked.push(object);
    }
    if (representations.length === 0) return;
    const data = await fetch(run, { representations }, (place) => {
      if (typeof place?.[1] !== 'number') return place && [...path, ...place];
      return [...pathOf(run.data, path, asked[place[1]]), ...place.slice(2)];
    });
    if (!data) return;
    const { _entities: entities } = data as { _entities?: (Data | null)[] };
    if (!Array.isArray(entities)) throw new Error('A subgraph answered without a list of entities.');
    if (entities.length !== asked.length) throw new Error('A subgraph answered with another number of entities.');
    for (const [index, entity] of entities.entries()) {
      const object = asked[index] as Data;
      if (entity && !entity.__typename) entity.__typename = object.__typename;
      merge(object, entity);
    }
  }

  return async (run, position) => {
    if (position.objects.length === 0) return;
    try {
      await (represent === undefined ? fetchRoot(run, position) : fetchEntities(run, position, represent));
    } catch (error) {
      run.errors.push(error as GraphQLError);
    }
  };
}

/** As @apollo/gateway words the errors of subgraphs. */
const subgraphError = (error: GraphQLFormattedError, serviceName: string, path: Path | undefined) =>
  new GraphQLError(error.message || `Error while fetching subquery from service "${serviceName}"`, {
    originalError: error as GraphQLError,
    path,
    extensions: { ...error.extensions, serviceName },
  });

type Represent = (entity: Data) => Data | null;

/** Compiles the fields that identify an entity; the function answers null for an entity that lacks one. */
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

/** True when each type that the selections name is an object type: `__typename` alone then tells whether it applies. */
const namesObjectTypesOnly = (selections: readonly RequiredSelection[], schema: GraphQLSchema): boolean =>
  selections.every((selection) => {
    const { selections: inner = [] } = selection;
    const isPlain = selection.kind === 'Field' || isObjectType(schema.getType(selection.typeCondition ?? ''));
    return isPlain && namesObjectTypesOnly(inner, schema);
  });

/** Merges a subgraph's answer into data of other subgraphs: objects and lists of the same length item by item. */
function merge(target: Data, source: Data | null | undefined): void {
  if (source == null) return;
  for (const key of Object.keys(source)) {
    const value = source[key];
    const held = ownValue(target, key);
    if (isObject(value) && held) merge(held as Data, value);
    else if (Array.isArray(value) && Array.isArray(held) && value.length === held.length) {
      for (const [index, item] of value.entries()) {
        if (isObject(item) && isObject(held[index])) merge(held[index], item);
        else held[index] = item;
      }
    } else if (key === '__proto__') {
      Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
    } else target[key] = value;
  }
}

const isObject = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const ownValue = (object: unknown, key: string): unknown =>
  object != null && Object.hasOwn(object, key) ? (object as Data)[key] : undefined;

/** The path of an object in the data, with the places in lists in place of `@`. */
function pathOf(data: unknown, path: Path, object: unknown): Path {
  const find = (value: unknown, at: number): Path | undefined => {
    if (at === path.length) return value === object ? [] : undefined;
    if (value == null) return undefined;
    const key = path[at];
    if (key !== '@') {
      const rest = find(ownValue(value, String(key)), at + 1);
      return rest && [String(key), ...rest];
    }
    for (const [index, item] of (value as unknown[]).entries()) {
      const rest = find(item, at + 1);
      if (rest !== undefined) return [index, ...rest];
    }
    return undefined;
  };
  return find(data, 0) ?? [];
}
