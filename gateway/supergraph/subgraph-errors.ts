import { type FieldNode, type GraphQLFormattedError, Kind, parse } from 'graphql';
import type { GraphQLAnswer } from '#platform/clients/graphql-client.ts';
import type { ErrorCode } from '#platform/errors/errors.ts';
import type { Fetch } from '../execution/query-plan.ts';
import { fieldsOf } from '../limits/selections.ts';

type SubgraphError = NonNullable<GraphQLAnswer['errors']>[number];
type Path = readonly (string | number)[];

/** Codes of errors that are meant for the client. Errors with any other code are internal faults. */
const CLIENT_CODES: ReadonlySet<unknown> = new Set<ErrorCode>([
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
]);

/** Bounds the number of errors when the fetch for a long list of entities fails. */
const PLACES_MAX = 100;

/**
 * Gives each error of a subgraph's answer a code that the error mask knows and a path within that answer. The gateway
 * maps this path to the client's response. An error about the whole fetch is repeated for every field of the fetch, at
 * most PLACES_MAX times. An internal fault is not repeated, so that it is logged once.
 */
export const placeErrors = (errors: readonly SubgraphError[], fetch: Fetch): GraphQLFormattedError[] =>
  errors.flatMap((error) => {
    const { message, path } = error;
    const code = codeOf(error);
    // Apollo Server would take the status of the client's answer from `http`.
    const { http: _, ...others } = error.extensions ?? {};
    const extensions = { ...others, code };
    const places = isPlace(path) ? [path] : placesOf(fetch).slice(0, code === 'INTERNAL_SERVER_ERROR' ? 1 : PLACES_MAX);
    return places.map((place) => ({ message, path: place, extensions }));
  });

function codeOf({ path, extensions }: SubgraphError): ErrorCode {
  const code = extensions?.code as ErrorCode;
  // FORBIDDEN without a path means that the subgraph refused the gateway, not the caller.
  if (code === 'FORBIDDEN' && path == null) return 'INTERNAL_SERVER_ERROR';
  return CLIENT_CODES.has(code) ? code : 'INTERNAL_SERVER_ERROR';
}

/** True for the path of a field in the client's operation. It is false for `_entities` alone. */
function isPlace(path: Path | undefined): path is Path {
  if (!Array.isArray(path) || path.length === 0) return false;
  return path[0] !== '_entities' || typeof path[1] === 'number';
}

/** Returns the paths of all fields that a fetch requests, such as `event`, or `_entities.0.name` for each entity. */
function placesOf({ query, variables }: Fetch): Path[] {
  const document = parse(query, { noLocation: true });
  const roots = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? fieldsOf(document, definition.selectionSet) : [],
  );
  const { representations } = variables;
  const [entities] = roots;
  if (entities?.name.value !== '_entities') return roots.map((root) => [responseName(root)]);
  return (representations as { __typename: string }[])
    .slice(0, PLACES_MAX)
    .flatMap(({ __typename }, index) =>
      fieldsOf(document, entities.selectionSet, __typename).map((field) => ['_entities', index, responseName(field)]),
    );
}

const responseName = ({ alias, name }: FieldNode) => (alias ?? name).value;
