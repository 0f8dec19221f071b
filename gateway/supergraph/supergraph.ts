import { createHash } from 'node:crypto';
import { ApolloGateway, type GraphQLDataSource, type SupergraphManager } from '@apollo/gateway';
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import {
  type FieldNode,
  GraphQLError,
  GraphQLScalarType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { Counter, type Registry } from 'prom-client';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Logger } from '#platform/process/logger.ts';
import { type Span, startSpan } from '#platform/process/tracing.ts';
import type { GatewayContext } from '../context.ts';
import type { KnownOperation } from '../execution/known-documents.ts';
import { type CompiledOperation, createCompiledOperations } from '../execution/operations.ts';
import {
  asksForPublicFields,
  readPublicFields,
  type ServedSchema,
  selectsPublicFields,
} from '../execution/public-fields.ts';
import { type FetchFrom, toGraphQLError } from '../execution/query-plan.ts';
import type { CheckOperation } from '../limits/query-limits.ts';
import { fieldsOf } from '../limits/selections.ts';
import { coerceVariables } from '../limits/variables.ts';
import type { SubgraphClient } from './subgraph-client.ts';

type GatewayInterface = ApolloServerOptionsWithGateway<GatewayContext>['gateway'];
type Executor = ApolloGateway['executor'];
type AdmittedRequest = Pick<Parameters<Executor>[0], 'source' | 'queryHash' | 'document' | 'metrics'>;
type GatewayExecutionResult = Awaited<ReturnType<Executor>>;

const QUERY_PLANS_MIB_MAX = 16;

export type Supergraph = ReturnType<typeof createSupergraph>;

/**
 * Creates the supergraph. @apollo/gateway plans each operation and executes it the first time. Our own executor does
 * the further executions, see compileQueryPlan. Both use our clients of the subgraphs and ignore the addresses in the
 * supergraph. Nothing is sent to the subgraphs at the start, or to Apollo.
 */
export function createSupergraph({
  file,
  subgraphs,
  checkOperation,
  onKnown,
  onSchemaChange,
  logger,
  metrics,
}: {
  file: SupergraphManager;
  subgraphs: ReadonlyMap<string, SubgraphClient>;
  /** Checks each operation with its coerced variables before it is planned. */
  checkOperation: CheckOperation | undefined;
  /** Called when Apollo Server has admitted an operation that was planned before. */
  onKnown: (request: AdmittedRequest) => void;
  onSchemaChange: () => void;
  logger: Logger;
  metrics: Registry;
}) {
  // The package has no other switch, and reads this one in the constructor.
  process.env.APOLLO_TELEMETRY_DISABLED = 'true';
  const compiled = createCompiledOperations();
  const reportEmptiedFields = createEmptiedFieldsReport({ logger, metrics });
  const executions = new Counter({
    name: 'gateway_executions_total',
    help: 'Operations executed, by executor: our own, or the library for new operations and introspection.',
    labelNames: ['executor'] as const,
    registers: [metrics],
  });
  const planning = new WeakMap<GatewayContext, Span>();
  let served: ServedSchema | undefined;
  const gateway = new ApolloGateway({
    supergraphSdl: file,
    buildService: ({ name }) =>
      toDataSource(clientOf(name), (query) => served !== undefined && asksForPublicFields(query, served)),
    experimental_didResolveQueryPlan(planned) {
      planning.get(planned.requestContext.context as GatewayContext)?.end();
      compiled.add(planned);
    },
    validateSupergraph: true,
    serviceHealthCheck: false,
    experimental_approximateQueryPlanStoreMiB: QUERY_PLANS_MIB_MAX,
    __exposeQueryPlanExperimental: false,
    logger,
  });

  function clientOf(name: string): SubgraphClient {
    const client = subgraphs.get(name);
    if (client === undefined) throw new Error(`The supergraph names an unknown subgraph: ${name}.`);
    return client;
  }
  const fetchFrom: FetchFrom = (name, fetch, context) => clientOf(name)(fetch, context);

  /** Returns the coerced variables of an operation, or the errors for which it is refused. */
  function admit({ operation, document, given }: KnownOperation, schema: GraphQLSchema) {
    const { variables, errors } = coerceVariables({ schema, operation, given });
    if (variables === undefined) return { errors };
    const refusal = checkOperation?.({ schema, document, operation, given, variables });
    return refusal === undefined ? { variables } : { errors: [refusal] };
  }

  /** Removes the package's notes on absent entities (extensions.valueCompletion). They are meant for operators. */
  function withoutNotes(
    {
      data,
      errors,
      emptied = [],
    }: Pick<GatewayExecutionResult, 'data' | 'errors'> & { emptied?: readonly GraphQLError[] },
    context: GatewayContext,
  ): GatewayExecutionResult {
    if (data === undefined) return { errors: errors ?? [] };
    if (errors !== undefined) return { data, errors };
    if (emptied.length === 0) return { data };
    reportEmptiedFields(emptied, context);
    // An absent entity makes the nullable field around it null. Without such a field the response is an error.
    return data === null ? { data, errors: emptied } : { data };
  }

  async function executeCompiled(
    { executePlan, shapeResponse }: CompiledOperation,
    variables: Record<string, unknown>,
    context: GatewayContext,
  ): Promise<GatewayExecutionResult> {
    executions.inc({ executor: 'own' });
    const { data: fetched, errors } = await executePlan({ variables, context, fetchFrom });
    try {
      const { data, emptied } = shapeResponse(fetched, variables);
      return withoutNotes({ data, emptied, ...(errors.length > 0 && { errors }) }, context);
    } catch (error) {
      return { errors: [toGraphQLError(error)] };
    }
  }

  /**
   * Admits a subscription: it is planned and compiled like a query, and goes to `context.openStream` instead of being
   * executed. The package plans subscriptions, but refuses to execute them.
   */
  async function admitSubscription(
    requestContext: Parameters<Executor>[0] & { operation: OperationDefinitionNode },
    execute: Executor,
  ): Promise<GatewayExecutionResult> {
    const { operation, schema, document, queryHash, request } = requestContext;
    const context = requestContext.context as GatewayContext;
    if (context.openStream === undefined) return { errors: [streamRequired()] };
    if (operation.selectionSet.selections.some(({ directives = [] }) => directives.length > 0))
      return { errors: [conditionalRoot()] };
    const { variables, errors } = admit({ operation, document, given: request.variables ?? {} }, schema);
    if (variables === undefined) return { errors };
    if (compiled.get(operation) === undefined) {
      planning.set(context, startSpan('plan', context.traceparent));
      await execute({ ...requestContext, request: { ...request, variables } }).catch(() => undefined);
    }
    const known = compiled.get(operation);
    // Validation admits one field. It may be repeated with other selections.
    const fields = fieldsOf(document, operation.selectionSet);
    const definition = schema.getSubscriptionType()?.getFields()[fields[0]?.name.value ?? ''];
    if (known === undefined || served === undefined || definition === undefined) return { errors: [conditionalRoot()] };
    const schemas = served;
    const typeName = getNamedType(definition.type).name;
    const fragments = new Map(
      document.definitions
        .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
        .map((fragment) => [fragment.name.value, fragment]),
    );
    const identity = JSON.stringify([queryHash, operation.name?.value, variables]);
    context.openStream({
      field: definition.name,
      args: getArgumentValues(definition, fields[0] as FieldNode, variables),
      key: createHash('sha256').update(identity).digest('base64url'),
      isPublic: fields.every(({ selectionSet }) => selectsPublicFields({ selectionSet, typeName, fragments }, schemas)),
      answer: (later) => executeCompiled(known, variables, later),
    });
    return { data: {} };
  }

  /**
   * The package gets only valid variables and operations within the limits. For invalid variables it would list every
   * error and print the whole value with each, which takes quadratic time. An unknown operation name is an error of the
   * client.
   */
  const createExecutor =
    (execute: Executor): Executor =>
    async (requestContext) => {
      const { operation, schema, document, request } = requestContext;
      if (operation === undefined)
        return { errors: [new GraphQLError('The document has no operation with this name.')] };
      const context = requestContext.context as GatewayContext;
      if (operation.operation === 'subscription') return admitSubscription({ ...requestContext, operation }, execute);
      if (operation.operation === 'mutation' && context.isReadOnly) return { errors: [readOnly()] };
      const { variables, errors } = admit({ operation, document, given: request.variables ?? {} }, schema);
      if (variables === undefined) return { errors };
      const known = compiled.get(operation);
      if (known !== undefined) {
        onKnown(requestContext);
        return executeCompiled(known, variables, context);
      }
      executions.inc({ executor: 'library' });
      planning.set(context, startSpan('plan', context.traceparent));
      const result = await execute({ ...requestContext, request: { ...request, variables } });
      return withoutNotes({ ...result, emptied: result.extensions?.valueCompletion }, context);
    };

  return {
    /** The supergraph in the form that Apollo Server requires. */
    gateway: {
      onSchemaLoadOrUpdate: (callback) =>
        gateway.onSchemaLoadOrUpdate((schemas) => {
          checkScalars(schemas.apiSchema);
          served = { schema: schemas.apiSchema, publicFields: readPublicFields(schemas.coreSupergraphSdl) };
          compiled.reset(served);
          onSchemaChange();
          callback(schemas);
        }),
      load: async (options) => ({ executor: createExecutor((await gateway.load(options)).executor) }),
      stop: () => gateway.stop(),
    } satisfies GatewayInterface,
    /** Returns a function that executes a planned operation, or undefined if it has no plan or must be refused. */
    prepare(request: KnownOperation) {
      const known = compiled.get(request.operation);
      if (known === undefined) return undefined;
      const { variables } = admit(request, known.schema);
      return variables && ((context: GatewayContext) => executeCompiled(known, variables, context));
    },
  };
}

const badRequest = (message: string, status: number) =>
  new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status } } });

const streamRequired = () =>
  badRequest(
    'A subscription needs the header Accept: text/event-stream, or multipart/mixed; subscriptionSpec="1.0".',
    406,
  );
const conditionalRoot = () => badRequest('The field of a subscription must not have @skip or @include.', 400);
const readOnly = () => badRequest('A GET request cannot be a mutation.', 405);

const toDataSource = (client: SubgraphClient, isPublic: (query: string) => boolean): GraphQLDataSource => ({
  process: async ({ request: { query = '', variables = {}, operationName }, context }) => {
    const asksForPublicEntities = Object.keys(variables).join() === 'representations' && isPublic(query);
    return client({ query, variables, operationName, asksForPublicEntities }, context as GatewayContext);
  },
});

/** Counts and logs the fields that are null because the subgraph of an entity does not have it. */
function createEmptiedFieldsReport({ logger, metrics }: { logger: Logger; metrics: Registry }) {
  const emptied = new Counter({
    name: 'gateway_emptied_fields_total',
    help: 'Fields that were answered with null because the subgraph of an entity does not have it.',
    registers: [metrics],
  });
  return (notes: readonly GraphQLError[], { requestId }: GatewayContext): void => {
    emptied.inc(notes.length);
    const [first] = notes;
    logger.warn(
      { requestId, fields: notes.length, path: first?.path, reason: first?.message },
      'a field is null because its entity does not exist',
    );
  };
}

/**
 * Adds checks to the custom scalars, because the supergraph contains only their names. A wrong value is then refused
 * before any request to a subgraph.
 */
function checkScalars(schema: GraphQLSchema): void {
  const scalar = schema.getType(DateTime.name);
  if (!(scalar instanceof GraphQLScalarType)) return;
  scalar.parseValue = DateTime.parseValue;
  scalar.parseLiteral = DateTime.parseLiteral;
}
