import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import { createSharedLoader } from '#platform/graphql/shared-loader.ts';
import type { EventDependencies } from '../commands/dependencies.ts';
import { listOrganizerPages, type OrganizerPage } from '../store/event-lists.ts';
import type { Context } from './context.ts';

const PAGES_PER_STATEMENT_MAX = 100;

/**
 * Returns a function that creates the data loaders of one request. They remember what they have read. Mutations clear
 * the pages that they change. Requests in the same turn of the event loop read together: events by id through the
 * cache, and the events of organizers with one statement, in which each page has its own SELECT.
 */
export function createLoaders({
  cache,
  database,
}: Pick<EventDependencies, 'cache' | 'database'>): () => Pick<Context, 'events' | 'organizerPages'> {
  const events = createSharedLoader(async (ids: readonly string[]) => {
    const found = await cache.getMany(ids.filter(isId));
    return ids.map((id) => found.get(id) ?? null);
  });
  const pages = createSharedLoader((wanted: readonly OrganizerPage[]) => listOrganizerPages(database, wanted), {
    batchMax: PAGES_PER_STATEMENT_MAX,
  });
  return () => ({
    events: new DataLoader(async (ids) => {
      const entries = await events(ids);
      // Each request gets its own copy, because the GraphQL library writes __typename into it.
      return entries.map((entry) =>
        entry === null || entry instanceof Error ? entry : { ...entry.value, cached: entry.cached },
      );
    }),
    organizerPages: new DataLoader(pages, {
      maxBatchSize: PAGES_PER_STATEMENT_MAX,
      cacheKeyFn: ({ organizerId, page: { limit, after } }) => [organizerId, limit, after].join(),
    }),
  });
}
