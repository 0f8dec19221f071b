export type NotificationKind = 'BOOKING_CONFIRMED' | 'BOOKING_CANCELLED' | 'WAITLIST_OFFERED';
export type NotificationChannel = 'EMAIL' | 'LOG';
export const NOTIFICATION_STATUSES = ['PENDING', 'SENT', 'FAILED'] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/** A notification to a user about a booking or an offer. There is at most one per booking and kind. */
export interface Notification {
  readonly id: string;
  /** For an offer, the id of the hold. The booking that a confirmation makes has the same id. */
  readonly bookingId: string;
  readonly userId: string;
  readonly eventId: string;
  readonly seatCount: number;
  readonly kind: NotificationKind;
  readonly channel: NotificationChannel;
  readonly status: NotificationStatus;
  /** The number of delivery attempts so far. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  /** Until when the offered seats are held. Null for other kinds. */
  readonly expiresAt: Date | null;
  /** The id of the client's request that caused the notification. Null when it is unknown. */
  readonly requestId: string | null;
  /** The trace context of this request. Null when it is not traced. */
  readonly traceparent: string | null;
}
