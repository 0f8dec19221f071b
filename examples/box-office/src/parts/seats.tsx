import { seats } from '../words.ts';

interface Facts {
  readonly status: string;
  readonly startsAt: string;
  readonly totalSeats: number | null;
  readonly availableSeats: number | null;
}

export const SOLD_OUT = 'Sold out';

/** Says whether an event takes bookings, and how many seats are free. */
export function availabilityOf({ status, startsAt, totalSeats, availableSeats: free }: Facts) {
  if (status === 'CANCELLED') return { isOpen: false, words: 'Cancelled' };
  if (Date.parse(startsAt) <= Date.now()) return { isOpen: false, words: 'Started' };
  if (totalSeats === null || free === null) return { isOpen: true, words: 'Seats unknown at the moment' };
  if (free === 0) return { isOpen: false, words: SOLD_OUT };
  return { isOpen: true, words: `${seats(free)} free` };
}

/** A bar of the free seats, which becomes shorter with each booking. */
export function SeatBar({ event }: { event: Facts }) {
  const { totalSeats, availableSeats } = event;
  const share = totalSeats === null || totalSeats === 0 ? 0 : (availableSeats ?? 0) / totalSeats;
  return (
    <svg className="seat-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect width="100" height="4" className="seat-bar-track" />
      <rect width={100 * share} height="4" className={share < 0.15 ? 'seat-bar-few' : 'seat-bar-free'} />
    </svg>
  );
}

/** The day of an event, like the stub of a ticket. */
export function DateStub({ iso }: { iso: string }) {
  const date = new Date(iso);
  const part = (options: Intl.DateTimeFormatOptions) => date.toLocaleDateString('en-GB', options);
  return (
    <time className="date-stub" dateTime={iso}>
      <span>{part({ month: 'short' })}</span>
      <b>{part({ day: 'numeric' })}</b>
      <span>{part({ weekday: 'short' })}</span>
    </time>
  );
}
