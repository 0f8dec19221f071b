import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ApolloServerPlugin } from '@apollo/server';
import {
  type ASTNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  parse,
  print,
  visit,
} from 'graphql';
import { z } from 'zod';
import type { createBoundedCache } from '#platform/graphql/bounded-cache.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { GatewayContext } from '../context.ts';

const manifest = z.record(z.string(), z.string());

const UNLISTED_STATUS = 403;

/** True for an error in a document. Its message reveals parts of the schema. */
export const isAboutSchema = ({ extensions }: Pick<GraphQLFormattedError, 'extensions'>): boolean =>
  extensions?.code === 'GRAPHQL_PARSE_FAILED' || extensions?.code === 'GRAPHQL_VALIDATION_FAILED';

/** The refusal of a document that is not trusted. */
export const unlisted = () =>
  new GraphQLError('This gateway answers only the documents of its own clients.', {
    extensions: { code: 'FORBIDDEN', reason: 'untrusted_document', http: { status: UNLISTED_STATUS } },
  });

type DocumentCache = ReturnType<typeof createBoundedCache<string>>;

/**
 * Reads the documents of our own clients, for Apollo Server, from a manifest in the format of graphql-codegen's client
 * preset: the text of each document by its hash. The mode `enforce` answers only these documents. The mode `log` answers
 * all documents and logs those that are not in the manifest. White space and the order of fields do not matter.
 * @throws when the file does not exist or has another format
 */
export function readTrustedDocuments({
  path,
  mode,
  logger,
}: {
  path: string;
  mode: 'log' | 'enforce';
  logger: Logger;
}) {
  const listed = Object.entries(manifest.parse(JSON.parse(readFileSync(path, 'utf8'))));
  const texts = new Map(listed.map(([hash, text]) => [hash.replace(PREFIX, ''), text]));
  const hashes = new Set([...texts.values()].map((text) => hashOf(parse(text))));
  const verdicts = new WeakMap<DocumentNode, boolean>();

  function isTrusted(document: DocumentNode): boolean {
    const verdict = verdicts.get(document) ?? hashes.has(hashOf(document));
    verdicts.set(document, verdict);
    return verdict;
  }

  /** Refuses or logs every operation whose document is not trusted. */
  const plugin: ApolloServerPlugin<GatewayContext> = {
    requestDidStart: async () => ({
      async didResolveOperation({ document, operationName, contextValue: { requestId } }) {
        if (isTrusted(document)) return;
        if (mode === 'enforce') throw unlisted();
        logger.warn({ operationName, document: hashOf(document), requestId }, 'the document is not in the manifest');
      },
      // An invalid document gets the same refusal as any other. Another status would reveal parts of the schema.
      async willSendResponse({ errors, response: { http } }) {
        if (mode === 'enforce' && errors?.some(isAboutSchema)) http.status = UNLISTED_STATUS;
      },
    }),
  };
  return {
    plugin,
    /**
     * The cache in which Apollo Server looks up the document of a hash. In the mode `log`, documents that clients
     * register go to `registered`; in the mode `enforce` they are dropped.
     */
    cacheOver: (registered: DocumentCache): DocumentCache => ({
      get: async (key) => texts.get(key.replace(PREFIX, '')) ?? (mode === 'log' ? registered.get(key) : undefined),
      set: async (key, text) => (mode === 'log' ? registered.set(key, text) : undefined),
      delete: async (key) => registered.delete(key),
    }),
  };
}

/** The prefixes that Apollo Server and the manifest put before a hash. */
const PREFIX = /^(apq:)?(sha256:)?/;

const hashOf = (document: DocumentNode) =>
  createHash('sha256')
    .update(print(inOrder(document)))
    .digest('hex');

/** In a canonical order: graphql-codegen sorts the documents of the manifest, clients may send any order. */
const inOrder = (document: DocumentNode): DocumentNode =>
  visit(document, {
    SelectionSet: { leave: (node) => ({ ...node, selections: sorted(node.selections) }) },
    Field: { leave: (node) => ({ ...node, arguments: sorted(node.arguments) }) },
    Directive: { leave: (node) => ({ ...node, arguments: sorted(node.arguments) }) },
    OperationDefinition: { leave: (node) => ({ ...node, variableDefinitions: sorted(node.variableDefinitions) }) },
    Document: { leave: (node) => ({ ...node, definitions: sorted(node.definitions) }) },
  });

const sorted = <Node extends ASTNode>(nodes: readonly Node[] = []): Node[] =>
  nodes
    .map((node) => ({ node, text: print(node) }))
    .sort((one, other) => (one.text < other.text ? -1 : 1))
    .map(({ node }) => node);
