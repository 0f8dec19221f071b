import type { GraphQLAnswer } from '#platform/clients/graphql-client.ts';
import type { Fetch } from '../execution/query-plan.ts';

type Ask<Caller> = (fetch: Fetch, caller: Caller) => Promise<GraphQLAnswer>;

interface Waiting<Caller> {
  readonly fetch: Fetch;
  readonly caller: Caller;
  readonly representations: readonly unknown[];
  resolve(answer: Promise<GraphQLAnswer>): void;
}

const REPRESENTATIONS_MAX = 256;

/**
 * Joins fetches of public fields of entities that different callers send in one turn of the event loop: those with the
 * same text become one fetch with the representations of all. It is sent for the first caller, and it continues when a
 * caller disconnects. Each caller gets the entities and errors of their own representations.
 */
export function createEntityJoiner<Caller extends { readonly signal?: AbortSignal | undefined }>(
  ask: Ask<Caller>,
): Ask<Caller> {
  const waiting = new Map<string, Waiting<Caller>[]>();

  function flush(): void {
    for (const fetches of waiting.values()) {
      let group: Waiting<Caller>[] = [];
      let size = 0;
      for (const one of fetches) {
        if (size > 0 && size + one.representations.length > REPRESENTATIONS_MAX) {
          send(group);
          [group, size] = [[], 0];
        }
        group.push(one);
        size += one.representations.length;
      }
      send(group);
    }
    waiting.clear();
  }

  function send(group: readonly Waiting<Caller>[]): void {
    const [first, ...others] = group;
    if (first === undefined) return;
    if (others.length === 0) {
      first.resolve(ask(first.fetch, first.caller));
      return;
    }
    const representations = group.flatMap((one) => one.representations);
    const joined = ask({ ...first.fetch, variables: { representations } }, { ...first.caller, signal: undefined });
    let start = 0;
    for (const { representations: own, resolve } of group) {
      const range = { start, end: start + own.length, count: representations.length };
      resolve(joined.then((answer) => partOf(answer, range)));
      start = range.end;
    }
  }

  return (fetch, caller) =>
    new Promise((resolve) => {
      if (waiting.size === 0) setImmediate(flush);
      const { representations } = fetch.variables as { representations: readonly unknown[] };
      const fetches = waiting.get(fetch.query) ?? [];
      fetches.push({ fetch, caller, representations, resolve });
      waiting.set(fetch.query, fetches);
    });
}

/** Returns the part of an answer that belongs to a range of the `count` representations. */
function partOf(
  { data, errors }: GraphQLAnswer,
  { start, end, count }: { start: number; end: number; count: number },
): GraphQLAnswer {
  const { _entities: entities } = data ?? {};
  const own = errors?.flatMap((error) => {
    const [root, index, ...rest] = error.path ?? [];
    if (root !== '_entities' || typeof index !== 'number') return [error];
    return index >= start && index < end ? [{ ...error, path: [root, index - start, ...rest] }] : [];
  });
  return {
    ...(data !== undefined && { data }),
    // A list of another length cannot be divided. Each caller gets an empty list, which is an error.
    ...(Array.isArray(entities) && {
      data: { _entities: entities.length === count ? entities.slice(start, end) : [] },
    }),
    ...(own !== undefined && own.length > 0 && { errors: own }),
  };
}
