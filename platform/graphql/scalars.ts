import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';

/**
 * An instant in UTC, in ISO 8601 with milliseconds. Input is only checked to be a string here. The format is checked
 * with the other input rules, so that the refusal names the field.
 */
export const DateTime = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  serialize: (value) => {
    if (value instanceof Date) return value.toISOString();
    throw new GraphQLError('DateTime must be a Date.');
  },
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('DateTime must be a string.');
  },
  parseLiteral: (node) => {
    if (node.kind === Kind.STRING) return node.value;
    throw new GraphQLError('DateTime must be a string.');
  },
});
