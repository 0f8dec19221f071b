import { z } from 'zod';
import type { CacheSource } from '#platform/redis/cache.ts';
import type { Event } from '../domain/event.ts';
import { type EventDatabase, findEvents } from './events.ts';

const cachedEvent = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  venue: z.string().nullable(),
  startsAt: z.coerce.date(),
  status: z.enum(['SCHEDULED', 'CANCELLED']),
  organizerId: z.string(),
  initialSeats: z.number(),
  version: z.number(),
  createdAt: z.coerce.date(),
  updatedAt: z.coerce.date(),
});

/** Loads event facts for the cache, and converts them to and from the cached text. */
export const eventCacheSource = (database: EventDatabase): CacheSource<Event> => ({
  name: 'event',
  load: (ids) => findEvents(database, ids),
  idOf: ({ id }) => id,
  versionOf: ({ version }) => version,
  serialize: JSON.stringify,
  parse: (text) => cachedEvent.parse(JSON.parse(text)),
});
