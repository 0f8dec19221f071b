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
import type { WaitlistEntry } from './domain/waitlist.ts';

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

/** The owner and admins may end the waiting of an entry. All other callers get "not found". */
export const mayLeaveWaitlist = (caller: Caller, { userId }: WaitlistEntry): boolean => isSelfOrAdmin(caller, userId);

/** For the organizer and admins. Refusing other callers reveals nothing, because everyone can read events. */
export const mayRunEvent = (caller: Caller, { organizerId }: Inventory): boolean => isSelfOrAdmin(caller, organizerId);

/** True for the event's organizer and for admins. */
async function organizes(eventId: string, { caller, inventories }: Reader): Promise<boolean> {
  if (caller === null) return false;
  if (isAdmin(caller)) return true;
  return (await inventories.load(eventId))?.organizerId === caller.userId;
}

/** True for the owner of the booking, hold or entry, the event's organizer, and admins. */
const readsBooking = (
  { userId, eventId }: Booking | Hold | WaitlistEntry,
  reader: Reader,
): boolean | Promise<boolean> => isSelfOrAdmin(reader.caller, userId) || organizes(eventId, reader);

export const policy: Policy<Reader> = {
  Query: {
    booking: everyone,
    bookings: signedIn,
    hold: everyone,
    waitlistEntry: everyone,
    ticketKeys: everyone,
  },
  Mutation: {
    createBooking: signedIn,
    cancelBooking: signedIn,
    holdSeats: signedIn,
    confirmHold: signedIn,
    releaseHold: signedIn,
    joinWaitlist: signedIn,
    leaveWaitlist: signedIn,
    setEventCapacity: signedIn,
    checkIn: signedIn,
  },
  types: {
    Booking: {
      visibleTo: readsBooking,
      fields: {
        id: everyone,
        event: everyone,
        user: everyone,
        attendee: ({ eventId }: Booking, reader) => organizes(eventId, reader),
        seatCount: everyone,
        status: everyone,
        createdAt: everyone,
        cancelledAt: everyone,
        cancellationReason: everyone,
        checkedInSeats: everyone,
        // Whoever has the code of a ticket gets in, so only its owner gets it.
        ticket: ({ userId }: Booking, { caller }) => isSelfOrAdmin(caller, userId),
      },
    },
    Ticket: visibleToEveryone,
    TicketKey: visibleToEveryone,
    // It can be read only as a part of a booking.
    Attendee: visibleToEveryone,
    BookingConnection: visibleToEveryone,
    BookingEdge: edgeOf(readsBooking),
    Hold: { visibleTo: readsBooking, fields: everyone },
    HoldConnection: visibleToEveryone,
    HoldEdge: edgeOf(readsBooking),
    WaitlistEntry: { visibleTo: readsBooking, fields: everyone },
    WaitlistEntryConnection: visibleToEveryone,
    WaitlistEntryEdge: edgeOf(readsBooking),
    PageInfo: visibleToEveryone,
    // Everyone can read events and how many of their seats are free.
    Event: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        timeZone: everyone,
        totalSeats: everyone,
        availableSeats: everyone,
        checkedInSeats: ({ id }: { id: string }, reader) => organizes(id, reader),
        heldSeats: ({ id }: { id: string }, reader) => organizes(id, reader),
        waitingSeats: ({ id }: { id: string }, reader) => organizes(id, reader),
        statistics: ({ id }: { id: string }, reader) => organizes(id, reader),
        bookings: ({ id }: { id: string }, reader) => organizes(id, reader),
      },
    },
    // They can be read only as a part of an event.
    EventStatistics: visibleToEveryone,
    EventDay: visibleToEveryone,
    // The user subgraph owns the other fields and decides who may read them.
    User: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        bookings: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
        holds: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
        waitlistEntries: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
      },
    },
    CreateBookingPayload: visibleToEveryone,
    CancelBookingPayload: visibleToEveryone,
    SetEventCapacityPayload: visibleToEveryone,
    HoldSeatsPayload: visibleToEveryone,
    ConfirmHoldPayload: visibleToEveryone,
    ReleaseHoldPayload: visibleToEveryone,
    JoinWaitlistPayload: visibleToEveryone,
    LeaveWaitlistPayload: visibleToEveryone,
    CheckInPayload: visibleToEveryone,
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
    CancellationClosedError: visibleToEveryone,
    CapacityBelowBookedError: visibleToEveryone,
    HoldNotFoundError: visibleToEveryone,
    HoldEndedError: visibleToEveryone,
    HoldConfirmedError: visibleToEveryone,
    SeatsAvailableError: visibleToEveryone,
    AlreadyWaitingError: visibleToEveryone,
    SeatsOfferedError: visibleToEveryone,
    WaitlistEntryNotFoundError: visibleToEveryone,
    BookingCheckedInError: visibleToEveryone,
    InvalidTicketError: visibleToEveryone,
    WrongEventError: visibleToEveryone,
    TicketCancelledError: visibleToEveryone,
    TooManySeatsError: visibleToEveryone,
  },
};
