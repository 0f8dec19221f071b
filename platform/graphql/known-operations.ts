import { type GraphQLError, type GraphQLSchema, locatedError, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ApolloAnswer } from './apollo-handler.ts';
import { type CompiledOperation, compileOperation } from './compiled-operation.ts';
import { readPlainBody } from './plain-body.ts';
import { createResponseText, type FormatError } from './response-text.ts';
import { JSON_TYPE } from './subgraph-operation.ts';

/** A compiled operation takes some kilobytes for each 100 characters of its text. */
const CHARACTERS_MAX = 128 * 1_024;
/** The limit for texts that were answered once. */
const SEEN_CHARACTERS_MAX = 512 * 1_024;

const JSON_HEADERS = { 'content-type': JSON_TYPE };

/** The part of an error's extensions that Apollo Server applies to the response. */
interface ErrorHead {
  readonly status?: number;
  readonly headers?: ReadonlyMap<string, string>;
}

interface KnownOperation {
  readonly operationName: string | undefined;
  readonly compiled: CompiledOperation;
}

/**
 * Creates a cache of operations that Apollo Server has validated and answered. graphql-jit compiles each of them when
 * it is requested again. The least recently used operations are removed first.
 */
export function createKnownOperations<Context>(schema: GraphQLSchema, formatError: FormatError) {
  const known = new LRUCache<string, KnownOperation>({
    maxSize: CHARACTERS_MAX,
    sizeCalculation: ({ compiled }, query) => query.length * compiled.variantsMax,
  });
  const seen = new LRUCache<string, true>({
    maxSize: SEEN_CHARACTERS_MAX,
    sizeCalculation: (_seen, query) => query.length,
  });

  const textOf = createResponseText(formatError);

  return {
    /**
     * Returns a function that executes a known operation, or undefined for any other. The function returns undefined
     * and does nothing when the variables are invalid.
     */
    prepare(body: unknown): ((context: Context) => Promise<ApolloAnswer | undefined>) | undefined {
      const plain = readBody(body);
      if (plain === undefined) return undefined;
      const operation = known.get(plain.query);
      if (operation === undefined || operation.operationName !== plain.operationName) return undefined;
      const compiled = operation.compiled.compiledFor(plain.variables);
      if (compiled === undefined) return undefined;
      return async (context) => {
        const result = await compiled.query(undefined, context, plain.variables);
        if (result.data === undefined) return undefined;
        const errors = result.errors?.map(asGraphQLError);
        return { ...headOf(errors), text: textOf({ data: result.data, errors }) };
      };
    },
    /** Remembers an operation that Apollo Server has answered with data. */
    learn(body: unknown): void {
      const plain = readBody(body);
      if (plain === undefined) return;
      const { query, operationName } = plain;
      if (!seen.has(query)) return void seen.set(query, true);
      const compiled = compileOperation({ schema, document: parse(query, { noLocation: true }), operationName });
      if (compiled !== undefined) known.set(query, { operationName, compiled });
    },
  };
}

/** graphql-jit creates errors without extensions, and wraps thrown values that are no errors. */
const asGraphQLError = ({ originalError, message, path }: GraphQLError): GraphQLError =>
  locatedError(originalError ?? new Error(message), undefined, path);

/** Returns the status and headers of an answer. As in Apollo Server, errors can change both. */
function headOf(errors: readonly GraphQLError[] = []): Pick<ApolloAnswer, 'status' | 'headers'> {
  const heads = errors.map(({ extensions }) => (extensions.http ?? {}) as unknown as ErrorHead);
  return {
    status: heads.findLast(({ status }) => status !== undefined)?.status ?? 200,
    headers: Object.assign({ ...JSON_HEADERS }, ...heads.map(({ headers }) => Object.fromEntries(headers ?? []))),
  };
}

/** The query comes from a gateway or a subgraph, which send texts and no extensions. */
function readBody(body: unknown) {
  const plain = readPlainBody(body);
  if (plain === undefined || typeof plain.query !== 'string' || plain.extensions !== undefined) return undefined;
  return { ...plain, query: plain.query };
}
