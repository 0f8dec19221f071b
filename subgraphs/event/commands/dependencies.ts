import type { Caller } from '#platform/identity/identity.ts';
import type { Publisher } from '#platform/outbox/publisher.ts';
import type { Cache } from '#platform/redis/cache.ts';
import type { Event } from '../domain/event.ts';
import type { EventDatabase } from '../store/events.ts';

/** What the commands need from outside. */
export interface EventDependencies {
  readonly database: EventDatabase;
  readonly cache: Cache<Event>;
  readonly relay: Publisher;
  readonly now: () => Date;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}

/** A command's input, and on whose behalf. */
export interface CommandRequest<Input> {
  readonly caller: Caller;
  readonly requestId: string;
  readonly input: Input;
}
