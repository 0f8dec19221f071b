import type { GraphQLError, GraphQLFormattedError } from 'graphql';

export type FormatError = (formatted: GraphQLFormattedError, thrown: unknown) => GraphQLFormattedError;

interface Result {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLError[] | undefined;
}

/** Creates a function that turns an execution result into the text of a response, as Apollo Server does. */
export function createResponseText(formatError: FormatError): (result: Result) => string {
  const format = (error: GraphQLError) => {
    const { code = 'INTERNAL_SERVER_ERROR' } = error.extensions ?? {};
    return formatError({ ...error.toJSON(), extensions: { ...error.extensions, code } }, error);
  };
  return ({ data, errors }) => `${JSON.stringify({ errors: errors?.map(format), data })}\n`;
}
