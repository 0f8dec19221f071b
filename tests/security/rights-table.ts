import { type DocumentNode, parse, separateOperations } from 'graphql';
import { ENTITIES, FRAGMENTS, MUTATIONS, QUERIES, READERS } from './rights.ts';

export type Reader = (typeof READERS)[number];

/** One line: what is asked, and what comes of it for each reader. */
export interface Right {
  /** The subgraph of an entity; none for the gateway's operations. */
  readonly subgraph: string | undefined;
  readonly operation: string;
  readonly outcomes: Readonly<Record<Reader, string>>;
}

/** The operations of a table; those of ENTITIES are the queries that the gateway would send. */
function* rightsIn(table: string, kind: 'query' | 'mutation' | 'entity'): Generator<Right> {
  let heading = '';
  for (const line of table.trim().split('\n')) {
    const [asked = '', ...outcomes] = line.split('|').map((cell) => cell.trim());
    if (outcomes.length === 0) {
      heading = asked || heading;
      continue;
    }
    if (outcomes.length !== READERS.length) throw new Error(`Not ${READERS.length} outcomes: ${line}`);
    const byReader = Object.fromEntries(READERS.map((reader, index) => [reader, outcomes[index]]));
    yield {
      subgraph: kind === 'entity' ? heading : undefined,
      operation: kind === 'entity' ? entityQuery(asked) : `${kind} { ${asked} }`,
      outcomes: byReader as Right['outcomes'],
    };
  }
}

/** A reference to the owner's object of a type; where the gateway would say whose booking it is, so does this one. */
function entityQuery(asked: string): string {
  const [type = ''] = asked.split(' ');
  const reference = `{ __typename: "${type}", id: $${type.toLowerCase()}, user: { id: $user } }`;
  return `query { _entities(representations: [${reference}]) { ... on ${asked} } }`;
}

export const RIGHTS: readonly Right[] = [
  ...rightsIn(QUERIES, 'query'),
  ...rightsIn(MUTATIONS, 'mutation'),
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

/** What came of an operation, in the words of the table. */
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

/** What is called `it`, or null where something on the way to it is; the way goes by what was asked for first. */
function itIn(data: unknown): unknown {
  if (data === null || typeof data !== 'object') return null;
  return 'it' in data ? data.it : itIn(Object.values(data)[0]);
}
