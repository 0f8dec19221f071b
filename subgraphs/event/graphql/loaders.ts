import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import { createSharedLoader } from '#platform/graphql/shared-loader.ts';
import type { EventDependencies } from '../commands/dependencies.ts';
import type { EventView } from './context.ts';

/**
 * Returns a function that creates the loader of one request. The loader reads events by id through the cache and
 * remembers them. Requests in the same turn of the event loop read together.
 */
export function createEventLoaders({ cache }: EventDependencies): () => DataLoader<string, EventView | null> {
  const events = createSharedLoader(async (ids: readonly string[]) => {
    const found = await cache.getMany(ids.filter(isId));
    return ids.map((id) => found.get(id) ?? null);
  });
  return () =>
    new DataLoader(async (ids) => {
      const entries = await events(ids);
      // Each request gets its own copy, because the GraphQL library writes __typename into it.
      return entries.map((entry) =>
        entry === null || entry instanceof Error ? entry : { ...entry.value, cached: entry.cached },
      );
    });
}
