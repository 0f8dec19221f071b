import { type GraphQLError, type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from 'graphql';

/** How many mistakes an answer names. Each takes time and space in proportion to the value that it is about. */
export const MISTAKES_MAX = 5;

type Variables = Record<string, unknown>;

/**
 * The variables that an operation declares, coerced to their types and with their defaults, or the first mistakes in
 * them. Takes time in proportion to the size of the variables; does not suggest names of the schema.
 */
export function coerceVariables({
  schema,
  operation: { variableDefinitions = [] },
  given,
}: {
  schema: GraphQLSchema;
  operation: OperationDefinitionNode;
  given: Variables;
}): { variables: Variables; errors?: never } | { variables?: never; errors: readonly GraphQLError[] } {
  const { coerced, errors } = getVariableValues(schema, variableDefinitions, given, {
    maxErrors: MISTAKES_MAX,
    hideSuggestions: true,
  });
  // graphql adds an error of its own when it stops at the limit.
  return errors === undefined ? { variables: coerced } : { errors: errors.slice(0, MISTAKES_MAX) };
}
