/** The seats of one event, and the facts that decide whether it takes bookings. */
export interface Inventory {
  readonly eventId: string;
  readonly organizerId: string;
  readonly startsAt: Date;
  readonly status: 'SCHEDULED' | 'CANCELLED';
  /** When the sale starts. Null: it has started. */
  readonly salesStartAt: Date | null;
  /** When the sale ends. Null: when the event starts. */
  readonly salesEndAt: Date | null;
  /** The maximum number of confirmed and held seats of one user. Null: no limit. */
  readonly maxSeatsPerUser: number | null;
  /** Until when users may cancel their bookings. Null: there is no deadline. */
  readonly cancellationDeadline: Date | null;
  readonly totalSeats: number;
  /** The seats that are neither booked nor held. */
  readonly availableSeats: number;
  readonly heldSeats: number;
  /** The seats of the event's check-ins. */
  readonly checkedInSeats: number;
  /**
   * No hold expires earlier, and nothing is due earlier for the waiting list. It can be earlier than the next expiry.
   * Null: there is no hold and nobody waits.
   */
  readonly nextHoldExpiresAt: Date | null;
  /** The seats of the waiting list's entries with the status WAITING. */
  readonly waitingSeats: number;
  /** The place of the newest entry of the waiting list. */
  readonly lastWaitlistPlace: number;
}
