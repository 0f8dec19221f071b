import type { SqlClient } from '#platform/database/database.ts';
import type { Publisher } from '#platform/outbox/publisher.ts';
import type {
  createBookingRules,
  createCheckInRules,
  createHoldRules,
  createWaitlistRules,
} from '../domain/booking-input.ts';
import type { EventFactsClient } from '../event-facts-client.ts';
import type { BookingDatabase } from '../store/database.ts';
import type { Tickets } from '../tickets/tickets.ts';
import type { UsersClient } from '../users-client.ts';
import type { Admission } from './admission.ts';
import type { Allocator } from './allocator.ts';

/** The database, clients and functions that the commands use. */
export interface BookingDependencies {
  readonly database: BookingDatabase;
  /** The same database without Prisma, for frequent statements. */
  readonly sql: SqlClient;
  readonly allocator: Allocator;
  /** The way to the allocator for those who want seats. */
  readonly admission: Admission;
  readonly eventFacts: EventFactsClient;
  readonly users: UsersClient;
  readonly relay: Publisher;
  readonly createBookingRules: ReturnType<typeof createBookingRules>;
  readonly holdSeatsRules: ReturnType<typeof createHoldRules>;
  readonly joinWaitlistRules: ReturnType<typeof createWaitlistRules>;
  readonly checkInRules: ReturnType<typeof createCheckInRules>;
  readonly tickets: Tickets;
  /** The time for which a hold keeps its seats. */
  readonly holdTtlSeconds: number;
  /** Returns a new UUIDv7. */
  readonly newId: () => string;
}
