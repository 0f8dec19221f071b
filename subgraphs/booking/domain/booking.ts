export const BOOKING_STATUSES = ['CONFIRMED', 'CANCELLED'] as const;
export type BookingStatus = (typeof BOOKING_STATUSES)[number];

/** A user's booking of seats for one event. */
export interface Booking {
  readonly id: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seatCount: number;
  readonly status: BookingStatus;
  readonly createdAt: Date;
  readonly cancelledAt: Date | null;
  /** The seats that were let in at the door. At most `seatCount`. */
  readonly checkedInSeats: number;
  /** Why the booking was cancelled. Null when no reason was given. */
  readonly cancellationReason: string | null;
}

/** Returns a new booking. */
export const confirmedBooking = (
  { id, eventId, userId, seatCount }: Pick<Booking, 'id' | 'eventId' | 'userId' | 'seatCount'>,
  createdAt: Date,
): Booking => ({
  id,
  eventId,
  userId,
  seatCount,
  status: 'CONFIRMED',
  createdAt,
  cancelledAt: null,
  cancellationReason: null,
  checkedInSeats: 0,
});
