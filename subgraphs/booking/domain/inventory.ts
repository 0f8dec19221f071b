/** The seats of one event, and the facts that decide whether it takes bookings. */
export interface Inventory {
  readonly eventId: string;
  readonly organizerId: string;
  readonly startsAt: Date;
  readonly status: 'SCHEDULED' | 'CANCELLED';
  readonly totalSeats: number;
  readonly availableSeats: number;
}
