import { ApolloGateway, type GraphQLDataSource, type SupergraphManager } from '@apollo/gateway';
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import { GraphQLError, GraphQLScalarType, type GraphQLSchema } from 'graphql';
import type { Logger } from '#platform/logger.ts';
import { DateTime } from '#platform/scalars.ts';
import type { GatewayContext } from './context.ts';

type GatewayInterface = ApolloServerOptionsWithGateway<GatewayContext>['gateway'];
type Executor = ApolloGateway['executor'];

const QUERY_PLANS_MIB_MAX = 16;

/**
 * The supergraph, planned and executed by @apollo/gateway over our own clients of the subgraphs; their addresses in
 * the supergraph are ignored. It asks no subgraph at its start and reports to nobody.
 */
export function createSupergraph({
  file,
  subgraphs,
  logger,
}: {
  file: SupergraphManager;
  subgraphs: ReadonlyMap<string, GraphQLDataSource>;
  logger: Logger;
}): GatewayInterface {
  // The package knows no other switch, and reads it in the constructor.
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
  return {
    onSchemaLoadOrUpdate: (callback) =>
      gateway.onSchemaLoadOrUpdate((schemas) => {
        checkScalars(schemas.apiSchema);
        callback(schemas);
      }),
    async load(options) {
      const { executor } = await gateway.load(options);
      return { executor: createExecutor(executor) };
    },
    stop: () => gateway.stop(),
  };
}

/**
 * The package's executor, with what it would get wrong towards the client put right: an unknown operation name is the
 * client's mistake, and its notes on absent entities (extensions.valueCompletion) are none of the client's business.
 */
function createExecutor(execute: Executor): Executor {
  return async (requestContext) => {
    if (requestContext.operation === undefined) return { errors: [new GraphQLError('No operation of this name.')] };
    const { data, errors, extensions } = await execute(requestContext);
    if (data === undefined) return { errors: errors?.map(withoutSuggestion) ?? [] };
    // An absent entity empties the nullable field around it. Where there is none, an answer without data needs its error.
    const shown = errors ?? (data === null ? extensions?.valueCompletion : undefined);
    return shown === undefined ? { data } : { data, errors: shown };
  };
}

/** Variables are checked outside the validation rules, where Apollo Server does not hide the schema's other names. */
function withoutSuggestion(error: GraphQLError): GraphQLError {
  error.message = error.message.replace(/ ?Did you mean .+\?$/s, '');
  return error;
}

/** The supergraph knows custom scalars by name only; checked here, a wrong value is refused before any subgraph is asked. */
function checkScalars(schema: GraphQLSchema): void {
  const scalar = schema.getType(DateTime.name);
  if (!(scalar instanceof GraphQLScalarType)) return;
  scalar.parseValue = DateTime.parseValue;
  scalar.parseLiteral = DateTime.parseLiteral;
}
