import type { CacheSource } from '#platform/redis/cache.ts';
import { type Event, eventFields } from '../domain/event.ts';
import { type EventDatabase, findEvents } from './events.ts';

/** Loads event facts for the cache, and converts them to and from the cached text. */
export const eventCacheSource = (database: EventDatabase): CacheSource<Event> => ({
  name: 'event',
  load: (ids) => findEvents(database, ids),
  idOf: ({ id }) => id,
  versionOf: ({ version }) => version,
  serialize: JSON.stringify,
  parse: (text) => eventFields.parse(JSON.parse(text)),
});
