import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { BookingDependencies } from '../commands/dependencies.ts';
import type { Booking } from '../domain/booking.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { BookingPage } from '../store/bookings.ts';

/** The dependencies and data loaders that the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: BookingDependencies;
  readonly inventories: DataLoader<string, Inventory | null>;
  readonly bookings: DataLoader<string, Booking | null>;
  readonly bookingPages: DataLoader<BookingPage, Booking[], string>;
}
