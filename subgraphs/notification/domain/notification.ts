export type NotificationKind = 'BOOKING_CONFIRMED' | 'BOOKING_CANCELLED' | 'WAITLIST_OFFERED' | 'EVENT_CHANGED';
export type NotificationChannel = 'EMAIL' | 'LOG';
export const NOTIFICATION_STATUSES = ['PENDING', 'SENT', 'FAILED'] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/**
 * A notification to a user about a booking, an offer, or a change of an event that they have booked. There is at most one
 * per booking and kind, and one per change and user.
 */
export interface Notification {
  readonly id: string;
  /**
   * For an offer, the id of the hold: the booking that a confirmation makes has the same id. For a change, the id of the
   * notification.
   */
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
  /** Why the booking was cancelled. Null for other kinds, and when no reason was given. */
  readonly reason: string | null;
  /** The id of the change that the notification is about. Null for other kinds. */
  readonly changeId: string | null;
}
