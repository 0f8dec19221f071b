import type { GraphQLAnswer } from '#platform/clients/graphql-client.ts';
import type { Fetch } from '../execution/query-plan.ts';

type Ask<Caller> = (fetch: Fetch, caller: Caller) => Promise<GraphQLAnswer>;

interface Waiting<Caller> {
  readonly fetch: Fetch;
  readonly caller: Caller;
  resolve(answer: Promise<GraphQLAnswer>): void;
}

/** Fetches that are sent as one. `places` are the indexes of a caller's own representations in the joined list. */
interface Group<Caller> {
  readonly members: (Waiting<Caller> & { places: number[] })[];
  /** Each representation once, by its JSON. */
  readonly representations: Map<string, { place: number; representation: unknown }>;
}

const REPRESENTATIONS_MAX = 256;

/**
 * Joins fetches of public fields of entities that different callers send in one turn of the event loop: those with the
 * same text become one fetch with the representations of all. An entity that several callers want is requested once.
 * The fetch is sent for the first caller, and it continues when a caller disconnects. Each caller gets the entities and
 * errors of their own representations, and shares no object with others.
 */
export function createEntityJoiner<Caller extends { readonly signal?: AbortSignal | undefined }>(
  ask: Ask<Caller>,
): Ask<Caller> {
  const waiting = new Map<string, Waiting<Caller>[]>();

  function flush(): void {
    for (const fetches of waiting.values()) {
      let group: Group<Caller> = { members: [], representations: new Map() };
      for (const one of fetches) {
        const own = (one.fetch.variables as { representations: readonly unknown[] }).representations;
        if (group.members.length > 0 && group.representations.size + own.length > REPRESENTATIONS_MAX) {
          send(group);
          group = { members: [], representations: new Map() };
        }
        const places = own.map((representation) => placeOf(representation, group.representations));
        group.members.push({ ...one, places });
      }
      send(group);
    }
    waiting.clear();
  }

  function send({ members, representations }: Group<Caller>): void {
    const [first, ...others] = members;
    if (first === undefined) return;
    if (others.length === 0) {
      first.resolve(ask(first.fetch, first.caller));
      return;
    }
    const all = [...representations.values()].map(({ representation }) => representation);
    const variables = { representations: all };
    const joined = ask({ ...first.fetch, variables }, { ...first.caller, signal: undefined });
    for (const { places, resolve } of members) resolve(joined.then((answer) => partOf(answer, places, all.length)));
  }

  return (fetch, caller) =>
    new Promise((resolve) => {
      if (waiting.size === 0) setImmediate(flush);
      const fetches = waiting.get(fetch.query) ?? [];
      fetches.push({ fetch, caller, resolve });
      waiting.set(fetch.query, fetches);
    });
}

/** Returns the place of a representation in the joined list, where it is added if it is new. */
function placeOf(representation: unknown, all: Group<never>['representations']): number {
  const key = JSON.stringify(representation);
  const known = all.get(key);
  if (known !== undefined) return known.place;
  const place = all.size;
  all.set(key, { place, representation });
  return place;
}

/** Returns the part of an answer for `count` representations that belongs to the representations at some places. */
function partOf({ data, errors }: GraphQLAnswer, places: readonly number[], count: number): GraphQLAnswer {
  const { _entities: entities } = data ?? {};
  const own = errors?.flatMap((error) => {
    const [root, index, ...rest] = error.path ?? [];
    if (root !== '_entities' || typeof index !== 'number') return [error];
    return places.flatMap((place, ownIndex) =>
      place === index ? [{ ...error, path: [root, ownIndex, ...rest] }] : [],
    );
  });
  return {
    ...(data !== undefined && { data }),
    // A list of another length cannot be divided. Each caller gets an empty list, which is an error.
    ...(Array.isArray(entities) && {
      data: { _entities: entities.length === count ? places.map((place) => copyOf(entities[place])) : [] },
    }),
    ...(own !== undefined && own.length > 0 && { errors: own }),
  };
}

/** Copies JSON. The caller merges further fields into the copy, and another caller must not see them. */
function copyOf(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, copyOf(field)]));
}
