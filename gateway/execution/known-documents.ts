import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';

interface KnownDocument {
  readonly document: DocumentNode;
  /** By name. An operation that is alone in its document is also found without a name. */
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
 * Documents that Apollo Server has parsed, validated and found within the limits: by their texts, and by the hashes under
 * which it found them. The least recently used ones make room when their texts have more than `charactersMax`.
 */
export function createKnownDocuments(charactersMax: number) {
  // Apart, so that no text is taken for a hash, and no hash for a text.
  const [byText, byHash] = [createCache(charactersMax / 2), createCache(charactersMax / 2)];

  /** By the text, or by the hash of a persisted query. With both, Apollo Server has to compare them. */
  function findDocument(query: unknown, extensions: unknown): KnownDocument | undefined {
    if (extensions != null && !isRecord(extensions)) return undefined;
    const { persistedQuery } = extensions ?? {};
    if (persistedQuery === undefined) return typeof query === 'string' ? byText.get(query) : undefined;
    if (query !== undefined || !isRecord(persistedQuery) || persistedQuery.version !== 1) return undefined;
    return typeof persistedQuery.sha256Hash === 'string' ? byHash.get(persistedQuery.sha256Hash) : undefined;
  }

  return {
    /** The hash is given when Apollo Server found the document by it: any other one may not be registered. */
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
    /** The operation that a POST body asks for; undefined for a body or document that Apollo Server has to look at. */
    find(body: unknown): KnownOperation | undefined {
      if (!isRecord(body)) return undefined;
      const { query, variables, operationName, extensions, ...others } = body;
      if (Object.keys(others).length > 0) return undefined;
      if (variables != null && !isRecord(variables)) return undefined;
      if (operationName != null && (typeof operationName !== 'string' || operationName === '')) return undefined;
      const known = findDocument(query, extensions);
      const operation = known?.operations.get(operationName ?? undefined);
      if (known === undefined || operation === undefined) return undefined;
      return { document: known.document, operation, given: variables ?? {} };
    },
  };
}

const createCache = (maxSize: number) =>
  new LRUCache<string, KnownDocument>({
    maxSize,
    sizeCalculation: ({ document }) => Math.max(1, document.loc?.source.body.length ?? 0),
  });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
