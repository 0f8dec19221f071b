import { z } from 'zod';
import { badUserInput } from '../errors/errors.ts';

const PAGE_SIZE_DEFAULT = 20;
const PAGE_SIZE_MAX = 100;

/** One page of a list in keyset order: at most `limit` rows after the key `after`. */
export interface Page<Key> {
  readonly limit: number;
  readonly after: Key | undefined;
}

export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  nodes: Node[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export interface PageArguments {
  first?: number | null | undefined;
  after?: string | null | undefined;
}

/** The key of lists that are ordered only by a UUIDv7 id. Such ids sort by time. */
export const idKey = z.tuple([z.uuid()]);
export type IdPage = Page<readonly [id: string]>;

/** Reads `first` and `after`. @throws BAD_USER_INPUT for a size outside 1 to 100 or an invalid cursor */
export function pageOf<Key extends z.ZodType>({ first, after }: PageArguments, key: Key): Page<z.output<Key>> {
  const limit = first ?? PAGE_SIZE_DEFAULT;
  if (limit < 1 || limit > PAGE_SIZE_MAX) throw badUserInput(`first must be between 1 and ${PAGE_SIZE_MAX}.`);
  return { limit, after: after == null ? undefined : decodeCursor(after, key) };
}

/**
 * Builds a Relay connection from rows in keyset order. The caller fetches one row more than the page's limit: this row
 * is not shown, it only indicates that there is a next page.
 */
export function connectionOf<Row, Node = Row>(
  rows: readonly Row[],
  { limit }: Page<unknown>,
  keyOf: (row: Row) => readonly (string | number)[],
  nodeOf: (row: Row) => Node,
): Connection<Node> {
  const edges = rows.slice(0, limit).map((row) => ({ cursor: encodeCursor(keyOf(row)), node: nodeOf(row) }));
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: { hasNextPage: rows.length > limit, endCursor: edges.at(-1)?.cursor ?? null },
  };
}

/** Builds the connection of a list that is ordered only by id. */
export const connectionById = <Row extends { readonly id: string }>(rows: readonly Row[], page: IdPage) =>
  connectionOf(
    rows,
    page,
    ({ id }) => [id],
    (row) => row,
  );

/** Returns the page with a next page that starts after this key, for a page that was not read to its end. */
export const resumedBehind = <Node>(page: Connection<Node>, key: readonly (string | number)[]): Connection<Node> => ({
  ...page,
  pageInfo: { hasNextPage: true, endCursor: encodeCursor(key) },
});

const encodeCursor = (key: readonly (string | number)[]) => Buffer.from(JSON.stringify(key)).toString('base64url');

function decodeCursor<Key extends z.ZodType>(cursor: string, schema: Key): z.output<Key> {
  try {
    const key = schema.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (key.success) return key.data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badUserInput('after is not a cursor of this list.');
}
