import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { BookingDependencies } from '../commands/dependencies.ts';
import type { Booking } from '../domain/booking.ts';
import type { Hold } from '../domain/hold.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { CountedBookings } from '../domain/statistics.ts';
import type { WaitlistEntry } from '../domain/waitlist.ts';
import type { BookingPage } from '../store/bookings.ts';
import type { HoldPage } from '../store/holds.ts';
import type { WaitlistPage } from '../store/waitlist.ts';
import type { UserContact } from '../users-client.ts';

/** The dependencies and data loaders that the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: BookingDependencies;
  readonly inventories: DataLoader<string, Inventory | null>;
  readonly bookings: DataLoader<string, Booking | null>;
  /** The numbers of bookings of an event by status. */
  readonly bookingCounts: DataLoader<string, CountedBookings[]>;
  readonly bookingPages: DataLoader<BookingPage, Booking[], string>;
  /** By user. Null for a deleted account. */
  readonly contacts: DataLoader<string, UserContact | null>;
  readonly holds: DataLoader<string, Hold | null>;
  readonly holdPages: DataLoader<HoldPage, Hold[], string>;
  readonly waitlistEntries: DataLoader<string, WaitlistEntry | null>;
  readonly waitlistPages: DataLoader<WaitlistPage, WaitlistEntry[], string>;
  /** How many entries wait before an entry. */
  readonly entriesAhead: DataLoader<WaitlistEntry, number, string>;
}
