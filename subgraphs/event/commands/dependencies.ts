import type { Publisher } from '#platform/outbox/publisher.ts';
import type { Cache } from '#platform/redis/cache.ts';
import type { Event } from '../domain/event.ts';
import type { EventDatabase } from '../store/events.ts';

/** The database, cache, relay and functions that the commands use. */
export interface EventDependencies {
  readonly database: EventDatabase;
  readonly cache: Pick<Cache<Event>, 'getMany' | 'invalidate'>;
  readonly relay: Publisher;
  readonly now: () => Date;
  /** Returns a new UUIDv7. */
  readonly newId: () => string;
}
