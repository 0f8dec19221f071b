import { ApolloGateway, type GraphQLDataSource, type SupergraphManager } from '@apollo/gateway';
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import { GraphQLError, GraphQLScalarType, type GraphQLSchema } from 'graphql';
import { Counter, type Registry } from 'prom-client';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { GatewayContext } from '../context.ts';
import type { CheckOperation } from '../limits/query-limits.ts';
import { coerceVariables } from '../limits/variables.ts';

type GatewayInterface = ApolloServerOptionsWithGateway<GatewayContext>['gateway'];
type Executor = ApolloGateway['executor'];

const QUERY_PLANS_MIB_MAX = 16;

/**
 * The supergraph: @apollo/gateway plans and executes operations, our own clients call the subgraphs. The addresses in
 * the supergraph are ignored. No subgraph is called at the start, and no telemetry is sent.
 */
export function createSupergraph({
  file,
  subgraphs,
  checkOperation,
  logger,
  metrics,
}: {
  file: SupergraphManager;
  subgraphs: ReadonlyMap<string, GraphQLDataSource>;
  /** Called for each operation after its variables are coerced and before it is planned. */
  checkOperation: CheckOperation | undefined;
  logger: Logger;
  metrics: Registry;
}): GatewayInterface {
  // The package reads this variable in the constructor, and has no other switch.
  process.env.APOLLO_TELEMETRY_DISABLED = 'true';
  const gateway = new ApolloGateway({
    supergraphSdl: file,
    buildService: ({ name }) => {
      const subgraph = subgraphs.get(name);
      if (subgraph === undefined) throw new Error(`The supergraph names an unknown subgraph: ${name}.`);
      return subgraph;
    },
    validateSupergraph: true,
    serviceHealthCheck: false,
    experimental_approximateQueryPlanStoreMiB: QUERY_PLANS_MIB_MAX,
    __exposeQueryPlanExperimental: false,
    logger,
  });
  const reportEmptiedFields = createEmptiedFieldsReport({ logger, metrics });
  return {
    onSchemaLoadOrUpdate: (callback) =>
      gateway.onSchemaLoadOrUpdate((schemas) => {
        checkScalars(schemas.apiSchema);
        callback(schemas);
      }),
    async load(options) {
      const { executor } = await gateway.load(options);
      return { executor: createExecutor({ execute: executor, checkOperation, reportEmptiedFields }) };
    },
    stop: () => gateway.stop(),
  };
}

/**
 * Wraps the executor of @apollo/gateway, so that it gets only valid variables and operations within the limits. For
 * invalid variables the package would print the whole value with every error, which takes quadratic time. Two more
 * corrections: an unknown operation name is reported as an error of the client, and the package's notes on missing
 * entities (extensions.valueCompletion) go to the log and not to the client.
 */
function createExecutor({
  execute,
  checkOperation,
  reportEmptiedFields,
}: {
  execute: Executor;
  checkOperation: CheckOperation | undefined;
  reportEmptiedFields: ReportEmptiedFields;
}): Executor {
  return async (requestContext) => {
    const { operation, schema, document, request, context } = requestContext;
    if (operation === undefined) return { errors: [new GraphQLError('The document has no operation with this name.')] };
    const { variables: given = {} } = request;
    const { variables, errors: mistakes } = coerceVariables({ schema, operation, given });
    if (variables === undefined) return { errors: mistakes };
    const refusal = checkOperation?.({ schema, document, operation, given, variables });
    if (refusal !== undefined) return { errors: [refusal] };
    const { data, errors, extensions } = await execute({ ...requestContext, request: { ...request, variables } });
    if (data === undefined) return { errors: errors ?? [] };
    if (errors !== undefined) return { data, errors };
    const emptied: readonly GraphQLError[] | undefined = extensions?.valueCompletion;
    if (emptied === undefined) return { data };
    reportEmptiedFields(emptied, context as GatewayContext);
    // A missing entity makes the nearest nullable field null. Without such a field the whole data is null and needs an
    // error.
    return data === null ? { data, errors: emptied } : { data };
  };
}

type ReportEmptiedFields = (notes: readonly GraphQLError[], context: GatewayContext) => void;

/** Counts and logs the fields that are null because the subgraph of an entity does not have it. */
function createEmptiedFieldsReport({ logger, metrics }: { logger: Logger; metrics: Registry }): ReportEmptiedFields {
  const emptied = new Counter({
    name: 'gateway_emptied_fields_total',
    help: 'Fields that were answered with null because the subgraph of an entity does not have it.',
    registers: [metrics],
  });
  return (notes, { requestId }) => {
    emptied.inc(notes.length);
    const [first] = notes;
    logger.warn(
      { requestId, fields: notes.length, path: first?.path, reason: first?.message },
      'a field is null because its entity does not exist',
    );
  };
}

/**
 * The supergraph has only the names of custom scalars. With these checks a wrong value is refused before any subgraph
 * is asked.
 */
function checkScalars(schema: GraphQLSchema): void {
  const scalar = schema.getType(DateTime.name);
  if (!(scalar instanceof GraphQLScalarType)) return;
  scalar.parseValue = DateTime.parseValue;
  scalar.parseLiteral = DateTime.parseLiteral;
}
