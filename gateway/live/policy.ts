import { everyone, type Policy, signedIn, visibleToEveryone } from '#platform/identity/authorization.ts';
import type { GatewayContext } from '../context.ts';

/**
 * Who may open which subscription. An event is public, and its subgraphs decide about each of its fields. myBookings
 * only ever receives the caller's own bookings, see createListeners.
 */
export const policy: Policy<GatewayContext> = {
  Query: {},
  Subscription: {
    eventSeats: everyone,
    myBookings: signedIn,
  },
  types: {
    BookingChange: visibleToEveryone,
    Booking: visibleToEveryone,
    Event: visibleToEveryone,
  },
};
