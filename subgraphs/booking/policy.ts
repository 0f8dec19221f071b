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
import type { Hold } from './domain/hold.ts';
import type { Inventory } from './domain/inventory.ts';

interface Reader {
  readonly caller: Caller | null;
  readonly inventories: { load(eventId: string): Promise<Inventory | null> };
}

/** Users may book for themselves. Admins may book for any user. */
export const mayBookFor = (caller: Caller, userId: string): boolean => isSelfOrAdmin(caller, userId);

/** The owner and admins may cancel a booking. All other callers, including the event's organizer, get "not found". */
export const mayCancel = (caller: Caller, { userId }: Booking): boolean => isSelfOrAdmin(caller, userId);

/** The owner and admins may confirm and release a hold. All other callers get "not found". */
export const mayEndHold = (caller: Caller, { userId }: Hold): boolean => isSelfOrAdmin(caller, userId);

/** For the organizer and admins. Refusing other callers reveals nothing, because everyone can read events. */
export const maySetCapacity = (caller: Caller, { organizerId }: Inventory): boolean =>
  isSelfOrAdmin(caller, organizerId);

/** True for the event's organizer and for admins. */
async function organizes(eventId: string, { caller, inventories }: Reader): Promise<boolean> {
  if (caller === null) return false;
  if (isAdmin(caller)) return true;
  return (await inventories.load(eventId))?.organizerId === caller.userId;
}

/** True for the owner of the booking or hold, the event's organizer, and admins. */
const readsBooking = ({ userId, eventId }: Booking | Hold, reader: Reader): boolean | Promise<boolean> =>
  isSelfOrAdmin(reader.caller, userId) || organizes(eventId, reader);

export const policy: Policy<Reader> = {
  Query: {
    booking: everyone,
    bookings: signedIn,
    hold: everyone,
  },
  Mutation: {
    createBooking: signedIn,
    cancelBooking: signedIn,
    holdSeats: signedIn,
    confirmHold: signedIn,
    releaseHold: signedIn,
    setEventCapacity: signedIn,
  },
  types: {
    Booking: { visibleTo: readsBooking, fields: everyone },
    BookingConnection: visibleToEveryone,
    BookingEdge: edgeOf(readsBooking),
    Hold: { visibleTo: readsBooking, fields: everyone },
    HoldConnection: visibleToEveryone,
    HoldEdge: edgeOf(readsBooking),
    PageInfo: visibleToEveryone,
    // Everyone can read events and how many of their seats are free.
    Event: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        totalSeats: everyone,
        availableSeats: everyone,
        heldSeats: ({ id }: { id: string }, reader) => organizes(id, reader),
        bookings: ({ id }: { id: string }, reader) => organizes(id, reader),
      },
    },
    // The user subgraph owns the other fields and decides who may read them.
    User: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        bookings: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
        holds: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
      },
    },
    CreateBookingPayload: visibleToEveryone,
    CancelBookingPayload: visibleToEveryone,
    SetEventCapacityPayload: visibleToEveryone,
    HoldSeatsPayload: visibleToEveryone,
    ConfirmHoldPayload: visibleToEveryone,
    ReleaseHoldPayload: visibleToEveryone,
    InvalidInputError: visibleToEveryone,
    EventNotFoundError: visibleToEveryone,
    SoldOutError: visibleToEveryone,
    EventNotBookableError: visibleToEveryone,
    SalesNotStartedError: visibleToEveryone,
    SalesEndedError: visibleToEveryone,
    UserLimitReachedError: visibleToEveryone,
    QueuedError: visibleToEveryone,
    IdempotencyKeyReusedError: visibleToEveryone,
    BookingNotFoundError: visibleToEveryone,
    CapacityBelowBookedError: visibleToEveryone,
    HoldNotFoundError: visibleToEveryone,
    HoldEndedError: visibleToEveryone,
    HoldConfirmedError: visibleToEveryone,
  },
};
