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
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { type ComplexityEstimator, getComplexity } from 'graphql-query-complexity';
import { badUserInput } from '#platform/errors/errors.ts';
import { fieldsOf } from './selections.ts';

/** What one operation may ask for. */
export interface QueryLimits {
  readonly QUERY_TOKENS_MAX: number;
  /** Fields and fragments, each counted as often as fragments repeat it. */
  readonly QUERY_SELECTIONS_MAX: number;
  /** Levels of fields; fragments add none. */
  readonly QUERY_DEPTH_MAX: number;
  readonly QUERY_ALIASES_MAX: number;
  readonly QUERY_ROOT_FIELDS_MAX: number;
  readonly QUERY_DIRECTIVES_MAX: number;
  /** In objects; see estimateCost. */
  readonly QUERY_COST_MAX: number;
  readonly VARIABLES_MAX: number;
}

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
 * Limits as Apollo Server takes them. They hold in this order: tokens while parsing; selections, in linear time however
 * fragments nest; then, on what is known to be bounded and free of cycles, depth, aliases, directives and root fields.
 * `checkOperation` checks the number of variables and the cost at each request, since they depend on the variables.
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
  /** Coerced, so that they are known to be right. */
  readonly variables: Record<string, unknown>;
}

/** The refusal of an operation that is over a limit. */
export type CheckOperation = (operation: Operation & { given: Record<string, unknown> }) => GraphQLError | undefined;

const createOperationCheck =
  ({ VARIABLES_MAX, QUERY_COST_MAX }: QueryLimits): CheckOperation =>
  ({ given, ...operation }) => {
    if (Object.keys(given).length > VARIABLES_MAX) return tooComplex('variables');
    try {
      return costOf(operation) > QUERY_COST_MAX ? tooComplex('cost') : undefined;
    } catch (error) {
      return badUserInput(error instanceof Error ? error.message : String(error));
    }
  };

/** What an operation may cost at the most. @throws GraphQLError when an argument cannot be told */
export function costOf({ schema, document, operation, variables }: Operation): number {
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return getComplexity({
    schema,
    query: { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] },
    variables,
    estimators: [estimateCost],
  });
}

/** What a mutation costs: a transaction. */
const MUTATION_COST = 10;
/** What costs even more: a password's hash. */
const COSTS: Readonly<Record<string, number>> = { 'Mutation.createUser': 100, 'Mutation.signIn': 100 };

/** How many objects a list has that is no connection: as many as there are kinds of notifications. */
export const LIST_SIZES: Readonly<Record<string, number>> = { 'Booking.notifications': 2 };

/**
 * An object costs 1 and what is asked of it, a scalar nothing, a mutation what it does. A connection costs as much as
 * `first` objects would, whether it has them or not; its own `edges` and `nodes` are within that.
 */
const estimateCost: ComplexityEstimator = ({ type, field, args, childComplexity }) => {
  const name = `${type.name}.${field.name}`;
  if (type.name === 'Mutation') return (COSTS[name] ?? MUTATION_COST) + childComplexity;
  if (isLeafType(getNamedType(field.type))) return 0;
  // `first: null` asks for as many as no `first` at all, but is no reason for graphql to put the default in its place.
  const first = args.first ?? field.args.find((argument) => argument.name === 'first')?.defaultValue;
  const size = typeof first === 'number' ? Math.max(first, 1) : (LIST_SIZES[name] ?? 1);
  return size * (1 + childComplexity);
};

const TOKENS_EXCEEDED = /^Syntax Error: Document contains more tha[nt] \d+ tokens/;

/** The error in the place of one by which a library refuses what is over a limit, and tells the limit. */
export function asTooComplex({ message, extensions }: GraphQLError): GraphQLError | undefined {
  if (TOKENS_EXCEEDED.test(message)) return tooComplex('tokens');
  const isTooWide = extensions.validationErrorCode === 'MAX_RECURSIVE_SELECTIONS_EXCEEDED';
  return isTooWide ? tooComplex('selections') : undefined;
}
