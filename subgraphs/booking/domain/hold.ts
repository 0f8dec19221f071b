export type HoldStatus = 'HELD' | 'CONFIRMED' | 'RELEASED' | 'EXPIRED';

/** Seats of one event that are kept for a user until a time. */
export interface Hold {
  /** Also the id of the booking that a confirmation makes. */
  readonly id: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seatCount: number;
  readonly status: HoldStatus;
  readonly createdAt: Date;
  /** From this time on, the hold cannot be confirmed, even if its status is still HELD. */
  readonly expiresAt: Date;
  /** When the hold was confirmed or released, or when it expired. Null while its status is HELD. */
  readonly endedAt: Date | null;
}
