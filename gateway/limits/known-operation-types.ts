import { GraphQLError, type ValidationRule } from 'graphql';

/** Refuses an operation type that the schema does not have. graphql has such a rule since version 17. */
export const knownOperationTypesRule: ValidationRule = (context) => ({
  OperationDefinition(node) {
    if (context.getSchema().getRootType(node.operation)) return;
    context.reportError(new GraphQLError(`The schema does not support ${node.operation} operations.`, { nodes: node }));
  },
});
