import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { isRecord, readPlainBody } from '#platform/graphql/plain-body.ts';

interface KnownDocument {
  readonly document: DocumentNode;
  /** The operations by name. The only operation of a document also has the key undefined. */
  readonly operations: ReadonlyMap<string | undefined, OperationDefinitionNode>;
}

/** A request for an operation of a known document. */
export interface KnownOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly given: Record<string, unknown>;
}

export type KnownDocuments = ReturnType<typeof createKnownDocuments>;

/**
 * Creates a cache of documents that Apollo Server has parsed, validated and found within the limits. The keys are the
 * texts, and the hashes of persisted queries. The cache removes the least recently used documents when their texts have
 * more than `charactersMax` characters in all.
 */
export function createKnownDocuments(charactersMax: number) {
  // Two caches, so that a text cannot be confused with a hash.
  const [byText, byHash] = [createCache(charactersMax / 2), createCache(charactersMax / 2)];

  /** Finds a document by its text or its hash. Returns undefined for both, because Apollo Server must compare them. */
  function findDocument(query: unknown, extensions: unknown): KnownDocument | undefined {
    if (extensions != null && !isRecord(extensions)) return undefined;
    const { persistedQuery } = extensions ?? {};
    if (persistedQuery === undefined) return typeof query === 'string' ? byText.get(query) : undefined;
    if (query !== undefined || !isRecord(persistedQuery) || persistedQuery.version !== 1) return undefined;
    return typeof persistedQuery.sha256Hash === 'string' ? byHash.get(persistedQuery.sha256Hash) : undefined;
  }

  return {
    /** `hash` is set when Apollo Server found the document by its hash. Other hashes may not be registered. */
    remember({ text, hash, document }: { text: string; hash: string | undefined; document: DocumentNode }): void {
      const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
      const named = operations.map((operation) => [operation.name?.value, operation] as const);
      const alone = operations.length === 1 ? named.map(([, operation]) => [undefined, operation] as const) : [];
      const known = { document, operations: new Map([...named, ...alone]) };
      if (hash === undefined) byText.set(text, known);
      else byHash.set(hash, known);
    },
    clear(): void {
      byText.clear();
      byHash.clear();
    },
    /** Returns the operation that a POST body requests, or undefined when Apollo Server must handle the request. */
    find(body: unknown): KnownOperation | undefined {
      const plain = readPlainBody(body);
      const known = plain && findDocument(plain.query, plain.extensions);
      const operation = known?.operations.get(plain?.operationName);
      if (plain === undefined || known === undefined || operation === undefined) return undefined;
      return { document: known.document, operation, given: plain.variables };
    },
  };
}

const createCache = (maxSize: number) =>
  new LRUCache<string, KnownDocument>({
    maxSize,
    sizeCalculation: ({ document }) => Math.max(1, document.loc?.source.body.length ?? 0),
  });
