import { type GraphQLError, type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from 'graphql';

/** The number of mistakes in an answer. The time and space for each is proportional to the value that it is about. */
export const MISTAKES_MAX = 5;

type Variables = Record<string, unknown>;

/**
 * Coerces the variables that an operation declares to their types and fills in their defaults. Returns the variables or
 * the first mistakes in them. The time is linear in the size of the variables. Messages do not suggest names of the
 * schema.
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
  // graphql adds another error when it stops at the limit.
  return errors === undefined ? { variables: coerced } : { errors: errors.slice(0, MISTAKES_MAX) };
}
