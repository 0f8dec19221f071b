import {
  edgeOf,
  everyone,
  isAdmin,
  type Policy,
  signedIn,
  visibleToEveryone,
} from '#platform/identity/authorization.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { Booking } from './domain/booking.ts';
import type { Inventory } from './domain/inventory.ts';

interface Reader {
  readonly caller: Caller | null;
  readonly inventories: { load(eventId: string): Promise<Inventory | null> };
}

/** A user books for itself, an admin for anybody. */
export const mayBookFor = (caller: Caller, userId: string): boolean => isSelfOrAdmin(caller, userId);

/** A booking is cancelled by its owner and by admins; to all others, the event's organizer too, there is none. */
export const mayCancel = (caller: Caller, { userId }: Booking): boolean => isSelfOrAdmin(caller, userId);

/** Others than the organizer and admins are refused, which betrays nothing: everybody sees events. */
export const maySetCapacity = (caller: Caller, { organizerId }: Inventory): boolean =>
  isSelfOrAdmin(caller, organizerId);

/** The event's organizer and admins. */
async function organizes(eventId: string, { caller, inventories }: Reader): Promise<boolean> {
  if (caller === null) return false;
  if (isAdmin(caller)) return true;
  return (await inventories.load(eventId))?.organizerId === caller.userId;
}

/** The booking's owner, the event's organizer, and admins. */
const readsBooking = ({ userId, eventId }: Booking, reader: Reader): boolean | Promise<boolean> =>
  isSelfOrAdmin(reader.caller, userId) || organizes(eventId, reader);

export const policy: Policy<Reader> = {
  Query: {
    booking: everyone,
    bookings: signedIn,
  },
  Mutation: {
    createBooking: signedIn,
    cancelBooking: signedIn,
    setEventCapacity: signedIn,
  },
  types: {
    Booking: { visibleTo: readsBooking, fields: everyone },
    BookingConnection: visibleToEveryone,
    BookingEdge: edgeOf(readsBooking),
    PageInfo: visibleToEveryone,
    // Everybody sees events and how many seats are left of them.
    Event: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        totalSeats: everyone,
        availableSeats: everyone,
        bookings: ({ id }: { id: string }, reader) => organizes(id, reader),
      },
    },
    // What else a user is and who sees it, the user subgraph knows.
    User: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        bookings: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
      },
    },
    CreateBookingPayload: visibleToEveryone,
    CancelBookingPayload: visibleToEveryone,
    SetEventCapacityPayload: visibleToEveryone,
    InvalidInputError: visibleToEveryone,
    EventNotFoundError: visibleToEveryone,
    SoldOutError: visibleToEveryone,
    EventNotBookableError: visibleToEveryone,
    IdempotencyKeyReusedError: visibleToEveryone,
    BookingNotFoundError: visibleToEveryone,
    CapacityBelowBookedError: visibleToEveryone,
  },
};
