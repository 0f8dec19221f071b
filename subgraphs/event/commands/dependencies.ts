import type { Cache } from '#platform/cache.ts';
import type { Caller } from '#platform/identity.ts';
import type { Relay } from '#platform/outbox/relay.ts';
import type { Event } from '../domain/event.ts';
import type { EventDatabase } from '../store/events.ts';

/** What the commands need from outside. */
export interface EventDependencies {
  readonly database: EventDatabase;
  readonly cache: Cache<Event>;
  readonly relay: Relay;
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
