export type WaitlistStatus = 'WAITING' | 'OFFERED' | 'LEFT' | 'ENDED';

/** A user who waits for seats of one event. A user has at most one entry with the status WAITING for each event. */
export interface WaitlistEntry {
  readonly id: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seatCount: number;
  /** The order of the entries of an event. It is given under the inventory's lock, so clocks do not matter. */
  readonly place: number;
  readonly status: WaitlistStatus;
  readonly createdAt: Date;
  /** When the entry stopped waiting. Null while it waits. */
  readonly endedAt: Date | null;
  /** The hold of the offered seats. Null without an offer. */
  readonly holdId: string | null;
}

/** The entries of an event that can get seats in one batch, in order of their places. */
export interface Line {
  readonly waiting: readonly WaitlistEntry[];
  /** Entries for more seats were not read. */
  readonly seatCountMax: number;
  /** The numbers of seats for which there can be more entries, behind those that were read. */
  readonly cutSeatCounts: ReadonlySet<number>;
}
