/** Seats of one booking that were let in at the door together. */
export interface CheckIn {
  readonly id: string;
  readonly bookingId: string;
  /** The key that the device chose for this check-in. It is unique within the booking. */
  readonly deviceKey: string;
  readonly seats: number;
  readonly createdAt: Date;
}

/** Identifies a device's key within a booking. */
export const deviceKeyOf = ({ bookingId, deviceKey }: Pick<CheckIn, 'bookingId' | 'deviceKey'>): string =>
  `${bookingId} ${deviceKey}`;
