import { type FieldNode, type GraphQLFormattedError, Kind, parse } from 'graphql';
import type { GraphQLAnswer } from '#platform/clients/graphql-client.ts';
import type { ErrorCode } from '#platform/errors/errors.ts';
import type { Fetch } from '../execution/query-plan.ts';
import { fieldsOf } from '../limits/selections.ts';

type SubgraphError = NonNullable<GraphQLAnswer['errors']>[number];
type Path = readonly (string | number)[];

/** Codes by which a subgraph speaks to the client. With any other one it speaks of a fault of ours. */
const CLIENT_CODES: ReadonlySet<unknown> = new Set<ErrorCode>([
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
]);

/** One dead subgraph behind a long list must not fill the answer with errors. */
const PLACES_MAX = 100;

/**
 * The errors of a subgraph's answer, each with a code that the error mask understands and a path within the answer,
 * which the gateway maps to one within the client's response. An error about the whole fetch is repeated for every
 * field that the fetch was to bring, as if each had failed by itself; not so a fault of ours, which is logged once.
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
  // Without a path it was the gateway that the subgraph refused, not the caller.
  if (code === 'FORBIDDEN' && path == null) return 'INTERNAL_SERVER_ERROR';
  return CLIENT_CODES.has(code) ? code : 'INTERNAL_SERVER_ERROR';
}

/** True for a path that leads to a field of the client's; `_entities` alone does not. */
function isPlace(path: Path | undefined): path is Path {
  if (!Array.isArray(path) || path.length === 0) return false;
  return path[0] !== '_entities' || typeof path[1] === 'number';
}

/** The paths of all fields that a fetch asks for: `event`, or `_entities.0.name` of each entity. */
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
