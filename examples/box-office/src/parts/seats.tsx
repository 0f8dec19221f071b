import { dateTime, seats, timeThere } from '../words.ts';

interface Facts {
  readonly status: string;
  readonly startsAt: string;
  readonly salesStartAt: string | null;
  readonly salesEndAt: string | null;
  readonly totalSeats: number | null;
  readonly availableSeats: number | null;
}

interface Availability {
  /** Whether the event takes bookings now. */
  readonly isOpen: boolean;
  /** Whether users can wait for seats. */
  readonly isSoldOut?: boolean;
  readonly words: string;
  /** A sentence that explains the words. */
  readonly note?: string;
}

/** Says whether an event takes bookings now, and how many seats are free. */
export function availabilityOf({
  status,
  startsAt,
  salesStartAt,
  salesEndAt,
  totalSeats,
  availableSeats: free,
}: Facts): Availability {
  const isOver = (iso: string) => Date.parse(iso) <= Date.now();
  if (status === 'CANCELLED') return { isOpen: false, words: 'Cancelled' };
  if (isOver(startsAt)) return { isOpen: false, words: 'Started' };
  if (salesStartAt !== null && !isOver(salesStartAt))
    return { isOpen: false, words: 'Not on sale yet', note: `The sale starts on ${dateTime(salesStartAt)}.` };
  if (salesEndAt !== null && isOver(salesEndAt))
    return { isOpen: false, words: 'Sale ended', note: `The sale ended on ${dateTime(salesEndAt)}.` };
  if (totalSeats === null || free === null) return { isOpen: true, words: 'Seats unknown at the moment' };
  if (free === 0)
    return {
      isOpen: false,
      isSoldOut: true,
      words: 'Sold out',
      note: 'Seats that come back go to the first person in line whose number of seats fits.',
    };
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

/** Shows when the event starts in its own time zone, if this is not the user's zone. */
export function TimeThere({ of: { startsAt, timeZone } }: { of: { startsAt: string; timeZone: string } }) {
  const there = timeThere(startsAt, timeZone);
  return there === undefined ? null : <p className="where">{there}</p>;
}
