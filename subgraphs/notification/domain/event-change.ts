/** A change of the time or venue of an event. */
export interface EventChange {
  /** The id of the message about it. */
  readonly id: string;
  readonly eventId: string;
  readonly startsAt: Date;
  readonly venue: string | null;
  readonly previousStartsAt: Date;
  readonly previousVenue: string | null;
  readonly changedAt: Date;
  readonly requestId: string | null;
}

/** The confirmed seats that a user has at an event. */
export interface SeatsOfUser {
  readonly userId: string;
  readonly seatCount: number;
}
