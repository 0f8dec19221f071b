import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  Kind,
  type OperationDefinitionNode,
  type TypeNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { type ComplexityEstimator, getComplexity } from 'graphql-query-complexity';
import { badUserInput } from '#platform/errors/errors.ts';
import type { QueryLimits } from '../config.ts';
import { fieldsOf } from './selections.ts';

const MESSAGES = {
  tokens: 'The document is too long.',
  selections: 'The operation selects too much.',
  depth: 'The operation is nested too deep.',
  aliases: 'The operation has too many aliases.',
  root_fields: 'The operation has too many fields at its root.',
  directives: 'The operation has too many directives.',
  cost: 'The operation may cost too much; ask for shorter lists.',
  variables: 'The operation has too many variables.',
} as const;

type Limit = keyof typeof MESSAGES;

const tooComplex = (limit: Limit) =>
  new GraphQLError(MESSAGES[limit], {
    extensions: { code: 'QUERY_TOO_COMPLEX', reason: limit, http: { status: 400 } },
  });

/**
 * Returns the limits as options of Apollo Server. Tokens are counted during parsing. Then selections are counted, in
 * linear time for any nesting of fragments. Depth, aliases, directives and root fields are checked last, because their
 * checks assume a bounded document without cycles. `checkOperation` checks the number of variables and the cost at each
 * request, because both depend on the variables.
 */
export function createQueryLimits(limits: QueryLimits) {
  const armor = (limit: Limit, n: number) => ({
    n,
    propagateOnRejection: false,
    onReject: [(context: ValidationContext | null) => context?.reportError(tooComplex(limit))],
  });
  return {
    options: {
      parseOptions: { maxTokens: limits.QUERY_TOKENS_MAX },
      maxRecursiveSelections: limits.QUERY_SELECTIONS_MAX,
      validationRules: [
        maxDepthRule({ ...armor('depth', limits.QUERY_DEPTH_MAX), flattenFragments: true }),
        maxAliasesRule(armor('aliases', limits.QUERY_ALIASES_MAX)),
        maxDirectivesRule(armor('directives', limits.QUERY_DIRECTIVES_MAX)),
        rootFieldsRule(limits.QUERY_ROOT_FIELDS_MAX),
      ],
    },
    checkOperation: createOperationCheck(limits),
  };
}

const rootFieldsRule =
  (rootFieldsMax: number): ValidationRule =>
  (context) => ({
    OperationDefinition({ selectionSet }) {
      const fields = fieldsOf(context.getDocument(), selectionSet);
      if (fields.length > rootFieldsMax) context.reportError(tooComplex('root_fields'));
    },
  });

interface Operation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Already coerced, so they are valid. */
  readonly variables: Record<string, unknown>;
}

/** Returns an error for an operation that is over a limit, or undefined. `given` holds the variables as sent. */
export type CheckOperation = (operation: Operation & { given: Record<string, unknown> }) => GraphQLError | undefined;

const createOperationCheck =
  ({ VARIABLES_MAX, QUERY_COST_MAX, SUBSCRIPTION_COST_MAX }: QueryLimits): CheckOperation =>
  ({ given, ...operation }) => {
    if (Object.keys(given).length > VARIABLES_MAX) return tooComplex('variables');
    const costMax = operation.operation.operation === 'subscription' ? SUBSCRIPTION_COST_MAX : QUERY_COST_MAX;
    try {
      return knownCostOf(operation) > costMax ? tooComplex('cost') : undefined;
    } catch (error) {
      return badUserInput(error instanceof Error ? error.message : String(error));
    }
  };

const KNOWN_COSTS_MAX = 100;

interface KnownCosts {
  readonly schema: GraphQLSchema;
  readonly costs: Map<string, number>;
}

const knownCosts = new WeakMap<OperationDefinitionNode, KnownCosts>();

/**
 * Returns the cost of an operation. It is computed once for all variables with the same cost. Only the values of
 * integers (`first`) and Booleans (@skip, @include) can change the cost, and nulls can make an argument invalid.
 * @throws GraphQLError when an argument cannot be read
 */
function knownCostOf(given: Operation): number {
  const { operation, schema, variables } = given;
  let known = knownCosts.get(operation);
  if (known?.schema !== schema) {
    known = { schema, costs: new Map() };
    knownCosts.set(operation, known);
  }
  let key = '';
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    const value = variables[variable.name.value];
    key += `${value == null || DECISIVE_TYPES.has(nameOf(type)) ? value : '+'},`;
  }
  let cost = known.costs.get(key);
  if (cost === undefined) {
    cost = costOf(given);
    if (known.costs.size === KNOWN_COSTS_MAX) known.costs.clear();
    known.costs.set(key, cost);
  }
  return cost;
}

const DECISIVE_TYPES: ReadonlySet<string> = new Set(['Int', 'Boolean']);

/** Returns the name of a variable's type. It is empty for a list, because lists do not affect the cost. */
const nameOf = (type: TypeNode): string => {
  const nullable = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
  return nullable.kind === Kind.NAMED_TYPE ? nullable.name.value : '';
};

/** Returns the maximum cost in objects, see estimateCost. @throws GraphQLError when an argument cannot be read */
export function costOf({ schema, document, operation, variables }: Operation): number {
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return getComplexity({
    schema,
    query: { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] },
    variables,
    estimators: [estimateCost],
  });
}

/** The cost of a mutation, for its transaction. */
const MUTATION_COST = 10;
/** What fields cost in addition to their objects: a hash of a password, a signature and a QR code, or a long read. */
const COSTS: Readonly<Record<string, number>> = {
  'Mutation.createUser': 100,
  'Mutation.signIn': 100,
  'Mutation.changePassword': 100,
  'Mutation.resetPassword': 100,
  'Mutation.deleteAccount': 100,
  'Booking.ticket': 9,
  // They read an entry of an index for each booking.
  'Event.statistics': 50,
  'EventStatistics.byDay': 50,
};

/**
 * The maximum number of objects in lists that are not connections. A booking has one notification of each kind. The
 * booking subgraph refuses more keys of tickets.
 */
export const LIST_SIZES: Readonly<Record<string, number>> = {
  'Booking.notifications': 3,
  'EventStatistics.byDay': 366,
  'Query.ticketKeys': 8,
  'User.sessions': 100,
  'User.webhooks': 10,
  'WebhookDelivery.log': 20,
};

/**
 * An object costs 1 plus the cost of its selected fields. A scalar costs nothing. Some fields have a further cost. A
 * mutation has a fixed cost plus the cost of its result. A connection costs as much as `first` objects, even when it has
 * fewer.
 */
const estimateCost: ComplexityEstimator = ({ type, field, args, childComplexity }) => {
  const name = `${type.name}.${field.name}`;
  if (type.name === 'Mutation') return (COSTS[name] ?? MUTATION_COST) + childComplexity;
  if (isLeafType(getNamedType(field.type))) return 0;
  // `first: null` means the default page size, but graphql does not replace an explicit null by the default value.
  const first = args.first ?? field.args.find((argument) => argument.name === 'first')?.defaultValue;
  const size = typeof first === 'number' ? Math.max(first, 1) : (LIST_SIZES[name] ?? 1);
  return (COSTS[name] ?? 0) + size * (1 + childComplexity);
};

const TOKENS_EXCEEDED = /^Syntax Error: Document contains more tha[nt] \d+ tokens/;

/** Returns a replacement for a library's error that reveals a limit, and undefined for any other error. */
export function asTooComplex({ message, extensions }: GraphQLError): GraphQLError | undefined {
  if (TOKENS_EXCEEDED.test(message)) return tooComplex('tokens');
  const isTooWide = extensions.validationErrorCode === 'MAX_RECURSIVE_SELECTIONS_EXCEEDED';
  return isTooWide ? tooComplex('selections') : undefined;
}
