export const BOOKING_STATUSES = ['CONFIRMED', 'CANCELLED'] as const;
export type BookingStatus = (typeof BOOKING_STATUSES)[number];

/** Seats of an event that a user holds, or held. */
export interface Booking {
  readonly id: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seatCount: number;
  readonly status: BookingStatus;
  readonly createdAt: Date;
  readonly cancelledAt: Date | null;
}
