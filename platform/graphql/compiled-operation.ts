import {
  type DirectiveNode,
  type DocumentNode,
  defaultTypeResolver,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isInputObjectType,
  Kind,
  typeFromAST,
  type VariableDefinitionNode,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';

type Variables = Readonly<Record<string, unknown>>;

/** An operation that graphql-jit has compiled, once for each combination of its conditions. */
export interface CompiledOperation {
  /** The number of combinations. */
  readonly variantsMax: number;
  /** Returns the operation for these variables, or undefined when Apollo Server must execute it. */
  readonly compiledFor: (variables: Variables) => CompiledQuery | undefined;
}

/** An operation is compiled for each combination of its conditions, so for at most eight. */
const CONDITIONS_MAX = 3;

/**
 * Compiles an operation by graphql-jit. It does not join fields correctly that have @skip or @include, so the operation
 * is compiled without these directives, once for each combination of their variables. Returns undefined when the
 * operation has something else that graphql-jit executes wrongly: it loses fields with the response name `__proto__`,
 * and finds variables like `$constructor` in every object. It also accepts lists for input objects, so graphql checks
 * the variables when there are any.
 */
export function compileOperation({
  schema,
  document,
  operationName,
}: {
  schema: GraphQLSchema;
  document: DocumentNode;
  operationName: string | undefined;
}): CompiledOperation | undefined {
  const conditions = findConditions(document);
  if (conditions === undefined) return undefined;
  const { variableDefinitions = [] } = getOperationAST(document, operationName) ?? {};
  const hasInputObjects = variableDefinitions.some((definition) => isOfInputObject(schema, definition));
  const byValues = new Map<string, CompiledQuery | undefined>();
  const compiledFor = (variables: Variables): CompiledQuery | undefined => {
    const values = conditions.map((name) => variables[name]);
    if (!values.every((value) => typeof value === 'boolean')) return undefined;
    if (hasInputObjects && getVariableValues(schema, variableDefinitions, variables).errors) return undefined;
    const key = values.join();
    if (!byValues.has(key)) {
      const compiled = compileQuery(schema, withoutConditions(document, variables), operationName, {
        disablingCapturingStackErrors: true,
      });
      byValues.set(key, isCompiledQuery(compiled) ? compiled : undefined);
    }
    return byValues.get(key);
  };
  return { variantsMax: 2 ** conditions.length, compiledFor };
}

/** True for a variable that is an input object or a list of them. */
function isOfInputObject(schema: GraphQLSchema, { type }: VariableDefinitionNode): boolean {
  const inputType = typeFromAST(schema, type as never);
  return inputType !== undefined && isInputObjectType(getNamedType(inputType));
}

/** Returns the variables of all @skip and @include, or undefined for a document that must not be compiled. */
function findConditions(document: DocumentNode): readonly string[] | undefined {
  const conditions = new Set<string>();
  let isExcluded = false;
  visit(document, {
    VariableDefinition({ variable }) {
      isExcluded ||= variable.name.value in Object.prototype;
      return false;
    },
    Field({ alias }) {
      isExcluded ||= alias?.value === '__proto__';
    },
    Directive({ arguments: [condition] = [] }) {
      if (condition?.value.kind === Kind.VARIABLE) conditions.add(condition.value.name.value);
    },
  });
  return isExcluded || conditions.size > CONDITIONS_MAX ? undefined : [...conditions];
}

/** Returns a document without @skip, @include and the selections that they leave out. */
function withoutConditions(document: DocumentNode, variables: Variables): DocumentNode {
  const isTrue = ({ arguments: [condition] = [] }: DirectiveNode): boolean => {
    if (condition?.value.kind === Kind.VARIABLE) return variables[condition.value.name.value] === true;
    return condition?.value.kind === Kind.BOOLEAN && condition.value.value;
  };
  return visit(document, {
    enter(node) {
      if (!('directives' in node) || !node.directives?.length) return undefined;
      const isIncluded = node.directives.every(
        (directive) => isTrue(directive) === (directive.name.value === 'include'),
      );
      return isIncluded ? { ...node, directives: [] } : null;
    },
  });
}

/**
 * Changes the parts of a subgraph's schema that graphql-jit executes wrongly. Its own way to find the type of an object
 * fails the whole operation when there is none. In a list it puts the error of a rejected promise at a wrong index, so
 * `_entities` contains errors instead of such promises.
 */
export function adaptToCompiler(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isAbstractType(type)) continue;
    type.resolveType ??= (value, context, info) => defaultTypeResolver(value, context, info, type);
  }
  const entities = schema.getQueryType()?.getFields()._entities;
  const resolve = entities?.resolve;
  if (entities === undefined || resolve === undefined) return;
  entities.resolve = (...call) => {
    const list = resolve(...call) as readonly unknown[];
    return Promise.all(list.map((entity) => Promise.resolve(entity).catch(asError)));
  };
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(`Not an error: ${JSON.stringify(thrown)}`);
