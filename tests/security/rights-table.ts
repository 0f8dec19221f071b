import { type DocumentNode, parse, separateOperations } from 'graphql';
import { ENTITIES, FRAGMENTS, MUTATIONS, QUERIES, READERS, SUBSCRIPTIONS } from './rights.ts';

export type Reader = (typeof READERS)[number];

/** One line of the table: an operation and its outcome for each reader. */
export interface Right {
  /** The subgraph that resolves the entity; undefined for operations of the gateway. */
  readonly subgraph: string | undefined;
  readonly operation: string;
  readonly outcomes: Readonly<Record<Reader, string>>;
}

/** Parses a table. A line of ENTITIES becomes the query that the gateway would send. */
function* rightsIn(table: string, kind: 'query' | 'mutation' | 'subscription' | 'entity'): Generator<Right> {
  let heading = '';
  for (const line of table.trim().split('\n')) {
    const [asked = '', ...outcomes] = line.split('|').map((cell) => cell.trim());
    if (outcomes.length === 0) {
      heading = asked || heading;
      continue;
    }
    if (outcomes.length !== READERS.length) throw new Error(`Expected ${READERS.length} outcomes: ${line}`);
    const byReader = Object.fromEntries(READERS.map((reader, index) => [reader, outcomes[index]]));
    yield {
      subgraph: kind === 'entity' ? heading : undefined,
      operation: kind === 'entity' ? entityQuery(asked) : `${kind} { ${asked} }`,
      outcomes: byReader as Right['outcomes'],
    };
  }
}

/** A query for the owner's object by reference. Like a reference of the gateway it includes the owner of a booking. */
function entityQuery(asked: string): string {
  const [type = ''] = asked.split(' ');
  const variable = type.charAt(0).toLowerCase() + type.slice(1);
  const reference = `{ __typename: "${type}", id: $${variable}, user: { id: $user } }`;
  return `query { _entities(representations: [${reference}]) { ... on ${asked} } }`;
}

export const RIGHTS: readonly Right[] = [
  ...rightsIn(QUERIES, 'query'),
  ...rightsIn(MUTATIONS, 'mutation'),
  ...rightsIn(SUBSCRIPTIONS, 'subscription'),
  ...rightsIn(ENTITIES, 'entity'),
];

/** The operation with the fragments that it uses. */
export function documentOf({ operation }: Right): DocumentNode {
  const { '': document } = separateOperations(parse(operation + FRAGMENTS));
  if (document === undefined) throw new Error(`Not an anonymous operation: ${operation}`);
  return document;
}

interface GraphQLResult {
  data: Record<string, unknown> | null;
  errors?: { extensions: { code: string } }[];
}

/** The outcome of an operation, in the terms of the table. */
export function outcomeOf({ operation }: Right, { data, errors }: GraphQLResult, own: ReadonlySet<string>): string {
  if (errors !== undefined) return errors.map(({ extensions }) => extensions.code).join();
  const value = operation.includes('it:') ? itIn(data) : (data?._entities as [unknown] | undefined)?.[0];
  if (!Array.isArray(value)) return outcomeOfOne(value);
  const item = value.find(({ id, node }: { id?: string; node?: { id: string } }) => own.has(node?.id ?? id ?? ''));
  return item === undefined ? 'absent' : outcomeOfOne(item);
}

function outcomeOfOne(value: unknown): string {
  if (value === null) return 'null';
  const typename = String((value as { __typename?: string }).__typename);
  if (typename.endsWith('Error')) return typename;
  const text = JSON.stringify(value);
  return /:null\b/.test(text) ? `in part: ${text}` : 'yes';
}

/** The value of `it`, or null if one of its parents is null. Follows the first field at each level. */
function itIn(data: unknown): unknown {
  if (data === null || typeof data !== 'object') return null;
  return 'it' in data ? data.it : itIn(Object.values(data)[0]);
}
