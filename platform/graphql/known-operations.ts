import { type GraphQLSchema, parse } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import type { ApolloAnswer } from './apollo-handler.ts';
import { readPlainBody } from './plain-body.ts';
import { createResponseText, type FormatError } from './response-text.ts';
import { JSON_TYPE } from './subgraph-operation.ts';

/** A compiled operation takes some kilobytes for each 100 characters of its text. */
const CHARACTERS_MAX = 128 * 1_024;
/** The limit for texts that were answered once. */
const SEEN_CHARACTERS_MAX = 512 * 1_024;

const JSON_HEADERS = { 'content-type': JSON_TYPE };

interface KnownOperation {
  readonly operationName: string | undefined;
  readonly compiled: CompiledQuery;
}

/**
 * Creates a cache of operations that Apollo Server has validated and answered. graphql-jit compiles each of them when
 * it is requested again. The least recently used operations are removed first.
 */
export function createKnownOperations<Context>(schema: GraphQLSchema, formatError: FormatError) {
  const known = new LRUCache<string, KnownOperation>({
    maxSize: CHARACTERS_MAX,
    sizeCalculation: (_operation, query) => query.length,
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
      return async (context) => {
        const result = await operation.compiled.query(undefined, context, plain.variables);
        return result.data === undefined ? undefined : { status: 200, headers: JSON_HEADERS, text: textOf(result) };
      };
    },
    /** Remembers an operation that Apollo Server has answered with data. */
    learn(body: unknown): void {
      const plain = readBody(body);
      if (plain === undefined) return;
      const { query, operationName } = plain;
      if (!seen.has(query)) return void seen.set(query, true);
      const compiled = compileQuery(schema, parse(query, { noLocation: true }), operationName, {
        disablingCapturingStackErrors: true,
      });
      if (isCompiledQuery(compiled)) known.set(query, { operationName, compiled });
    },
  };
}

/** The query comes from a gateway or a subgraph, which send texts and no extensions. */
function readBody(body: unknown) {
  const plain = readPlainBody(body);
  if (plain === undefined || typeof plain.query !== 'string' || plain.extensions !== undefined) return undefined;
  return { ...plain, query: plain.query };
}
