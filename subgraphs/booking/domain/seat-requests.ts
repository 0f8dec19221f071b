import type { Booking } from './booking.ts';
import type { CheckIn } from './check-in.ts';
import type { Hold } from './hold.ts';
import type { WaitlistEntry } from './waitlist.ts';

interface Origin {
  /** The id of the client's request. It becomes the correlation id of the message. */
  readonly requestId: string;
  /** The trace context of the client's request. It becomes that of the message. */
  readonly traceparent?: string | undefined;
}

/** Books all of `seatCount` seats or none. By the id, chosen in advance, a retry recognizes its own booking. */
export interface BookRequest extends Origin {
  readonly kind: 'book';
  readonly bookingId: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seatCount: number;
  /** The owner of the key: the user, or the admin who books for the user. */
  readonly callerId: string;
  readonly idempotencyKey: string;
}

/** Cancels a booking and gives its seats back. */
export interface CancelRequest extends Origin {
  readonly kind: 'cancel';
  readonly bookingId: string;
  readonly eventId: string;
  /** Whether the event's cancellation deadline applies. It applies to users, not to admins or a cancelled event. */
  readonly hasDeadline: boolean;
  readonly reason: string | null;
}

export interface CapacityRequest {
  readonly kind: 'set-capacity';
  readonly eventId: string;
  readonly totalSeats: number;
  readonly traceparent?: string | undefined;
}

/** Holds all of `seatCount` seats or none. By the id, chosen in advance, a retry recognizes its own hold. */
export interface HoldRequest extends Origin {
  readonly kind: 'hold';
  readonly holdId: string;
  readonly eventId: string;
  /** The owner of the hold and of the key. */
  readonly userId: string;
  readonly seatCount: number;
  readonly idempotencyKey: string;
  readonly ttlSeconds: number;
}

/** Makes a booking of a hold. */
export interface ConfirmRequest extends Origin {
  readonly kind: 'confirm-hold';
  readonly holdId: string;
  readonly eventId: string;
}

/** Ends a hold and gives its seats back. */
export interface ReleaseRequest extends Origin {
  readonly kind: 'release-hold';
  readonly holdId: string;
  readonly eventId: string;
}

/**
 * Gives back the seats of the event's expired holds, and does what is due for its waiting list. Every other request for
 * the event does this as well.
 */
export interface ExpireRequest {
  readonly kind: 'expire-holds';
  readonly eventId: string;
  readonly traceparent?: string | undefined;
}

/** Lets a user wait for `seatCount` seats. By the id, chosen in advance, a retry recognizes its own entry. */
export interface JoinRequest {
  readonly kind: 'join-waitlist';
  readonly entryId: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seatCount: number;
  readonly traceparent?: string | undefined;
}

/** Ends the waiting of an entry. */
export interface LeaveRequest {
  readonly kind: 'leave-waitlist';
  readonly entryId: string;
  readonly eventId: string;
  readonly traceparent?: string | undefined;
}

/** Checks in seats of a booking at the door. By the id, chosen in advance, a retry recognizes its own check-in. */
export interface CheckInRequest {
  readonly kind: 'check-in';
  readonly checkInId: string;
  readonly bookingId: string;
  readonly eventId: string;
  readonly deviceKey: string;
  readonly seats: number;
  readonly traceparent?: string | undefined;
}

export type SeatRequest =
  | BookRequest
  | CancelRequest
  | CapacityRequest
  | HoldRequest
  | ConfirmRequest
  | ReleaseRequest
  | ExpireRequest
  | JoinRequest
  | LeaveRequest
  | CheckInRequest;

export type BookOutcome =
  | { readonly outcome: 'booked'; readonly booking: Booking; readonly replayed: boolean }
  | SeatsRefusal;

/** Why a user gets no seats. */
export type SeatsRefusal =
  /** `availableSeats` is 0 while the free seats are offered to the waiting list. */
  | { readonly outcome: 'sold-out'; readonly availableSeats: number }
  | ClosedOutcome
  /** The user would have more seats than the event allows. `seatsLeft` is the number that the user may still take. */
  | { readonly outcome: 'user-limit-reached'; readonly maxSeatsPerUser: number; readonly seatsLeft: number }
  | { readonly outcome: 'key-reused' }
  | { readonly outcome: 'unknown-event' };

/** The event takes no bookings at this time. */
export type ClosedOutcome =
  | NotBookable
  | { readonly outcome: 'sales-not-started'; readonly salesStartAt: Date }
  | { readonly outcome: 'sales-ended'; readonly salesEndAt: Date };

export interface NotBookable {
  readonly outcome: 'not-bookable';
  readonly reason: 'EVENT_CANCELLED' | 'EVENT_STARTED';
}

export type CancelOutcome =
  | { readonly outcome: 'cancelled'; readonly booking: Booking }
  /** Some of its seats were checked in, and its event takes place. */
  | { readonly outcome: 'booking-checked-in'; readonly booking: Booking }
  | { readonly outcome: 'cancellation-closed'; readonly cancellationDeadline: Date }
  | { readonly outcome: 'unknown-booking' };

export type CapacityOutcome =
  | { readonly outcome: 'capacity-set' }
  | { readonly outcome: 'capacity-below-booked'; readonly bookedSeats: number }
  | { readonly outcome: 'event-cancelled' }
  | { readonly outcome: 'unknown-event' };

export type HoldOutcome =
  /** A replay returns the first hold as it is now, whatever its status. */
  { readonly outcome: 'held'; readonly hold: Hold; readonly replayed: boolean } | SeatsRefusal;

export type ConfirmOutcome =
  | { readonly outcome: 'confirmed'; readonly booking: Booking; readonly replayed: boolean }
  /** The hold has expired or was released. */
  | { readonly outcome: 'hold-ended'; readonly hold: Hold }
  | NotBookable
  | { readonly outcome: 'unknown-hold' };

export type ReleaseOutcome =
  /** The hold is released or expired, now or earlier. */
  | { readonly outcome: 'released'; readonly hold: Hold }
  /** The hold has become a booking. */
  | { readonly outcome: 'hold-confirmed'; readonly hold: Hold }
  | { readonly outcome: 'unknown-hold' };

export type JoinOutcome =
  /** The entry waits, or was already offered its seats. `replayed` is true when the user had joined before. */
  | { readonly outcome: 'joined'; readonly entry: WaitlistEntry; readonly replayed: boolean }
  /** The user waits for another number of seats. */
  | { readonly outcome: 'already-waiting'; readonly entry: WaitlistEntry }
  /** The user can book the seats at once. */
  | { readonly outcome: 'seats-available'; readonly availableSeats: number }
  | Exclude<SeatsRefusal, { readonly outcome: 'sold-out' | 'key-reused' }>;

export type LeaveOutcome =
  /** The entry does not wait, since now or earlier. */
  | { readonly outcome: 'left'; readonly entry: WaitlistEntry }
  /** The entry was offered its seats. */
  | { readonly outcome: 'seats-offered'; readonly holdId: string }
  | { readonly outcome: 'unknown-entry' };

/** `isDue` is true when the event has more expired holds or waiting entries than one transaction handles. */
export interface ExpireOutcome {
  readonly outcome: 'holds-expired';
  readonly isDue: boolean;
}

export type CheckInOutcome =
  /** `booking` is as it is now. */
  | {
      readonly outcome: 'checked-in';
      readonly checkIn: CheckIn;
      readonly booking: Booking;
      readonly replayed: boolean;
    }
  /** `seatsLeft` is the number of seats of the booking that can still be checked in. */
  | { readonly outcome: 'too-many-seats'; readonly seatsLeft: number }
  /** `cancelledAt` is null when the event was cancelled and the booking will follow. */
  | { readonly outcome: 'ticket-cancelled'; readonly cancelledAt: Date | null }
  | { readonly outcome: 'key-reused' }
  | { readonly outcome: 'unknown-booking' };

interface Outcomes {
  readonly book: BookOutcome;
  readonly cancel: CancelOutcome;
  readonly 'set-capacity': CapacityOutcome;
  readonly hold: HoldOutcome;
  readonly 'confirm-hold': ConfirmOutcome;
  readonly 'release-hold': ReleaseOutcome;
  readonly 'expire-holds': ExpireOutcome;
  readonly 'join-waitlist': JoinOutcome;
  readonly 'leave-waitlist': LeaveOutcome;
  readonly 'check-in': CheckInOutcome;
}

export type OutcomeOf<Request extends SeatRequest> = Outcomes[Request['kind']];
