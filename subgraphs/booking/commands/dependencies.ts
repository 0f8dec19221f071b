import type { Caller } from '#platform/identity/identity.ts';
import type { Publisher } from '#platform/outbox/publisher.ts';
import type { createBookingRules } from '../domain/booking-input.ts';
import type { EventFactsClient } from '../event-facts-client.ts';
import type { BookingDatabase } from '../store/database.ts';
import type { UsersClient } from '../users-client.ts';
import type { Allocator } from './allocator.ts';

/** What the commands need from outside. */
export interface BookingDependencies {
  readonly database: BookingDatabase;
  readonly allocator: Allocator;
  readonly eventFacts: EventFactsClient;
  readonly users: UsersClient;
  readonly relay: Publisher;
  readonly createBookingRules: ReturnType<typeof createBookingRules>;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}

/** A command's input, and on whose behalf. */
export interface CommandRequest<Input> {
  readonly caller: Caller;
  readonly requestId: string;
  readonly input: Input;
}
