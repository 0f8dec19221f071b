import type { Booking } from './booking.ts';
import type { Hold } from './hold.ts';

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

/** Gives back the seats of the event's expired holds. Every other request for the event does this as well. */
export interface ExpireRequest {
  readonly kind: 'expire-holds';
  readonly eventId: string;
  readonly traceparent?: string | undefined;
}

export type SeatRequest =
  | BookRequest
  | CancelRequest
  | CapacityRequest
  | HoldRequest
  | ConfirmRequest
  | ReleaseRequest
  | ExpireRequest;

export type BookOutcome =
  | { readonly outcome: 'booked'; readonly booking: Booking; readonly replayed: boolean }
  | SeatsRefusal;

/** Why a user gets no seats. */
export type SeatsRefusal =
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

/** `isDue` is true when the event has more expired holds than one transaction ends. */
export interface ExpireOutcome {
  readonly outcome: 'holds-expired';
  readonly isDue: boolean;
}

interface Outcomes {
  readonly book: BookOutcome;
  readonly cancel: CancelOutcome;
  readonly 'set-capacity': CapacityOutcome;
  readonly hold: HoldOutcome;
  readonly 'confirm-hold': ConfirmOutcome;
  readonly 'release-hold': ReleaseOutcome;
  readonly 'expire-holds': ExpireOutcome;
}

export type OutcomeOf<Request extends SeatRequest> = Outcomes[Request['kind']];
