import { NO_ANSWER, NOT_SENT, OperationError } from '#client/answers.ts';

/** An expected refusal, as the graph returns it. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly availableSeats?: number;
  readonly bookedSeats?: number;
  readonly salesStartAt?: string;
  readonly salesEndAt?: string;
  readonly maxSeatsPerUser?: number;
  readonly seatsLeft?: number;
  readonly seatCount?: number;
  readonly checkedInSeats?: number;
  readonly limit?: number;
  readonly cancellationDeadline?: string;
  readonly position?: number;
}

/** Returns the refusal, if the result of a mutation is one. */
export const refusalIn = (result: object | undefined): Refusal | undefined =>
  result !== undefined && 'code' in result && 'message' in result ? (result as Refusal) : undefined;

const REFUSALS: Record<string, (refusal: Refusal) => string> = {
  INVALID_INPUT: ({ message }) => ruleIn(message),
  SOLD_OUT: ({ availableSeats = 0 }) =>
    availableSeats === 0
      ? 'This event is sold out. Others took the last seats before you.'
      : `There ${availableSeats === 1 ? 'is only 1 seat' : `are only ${seats(availableSeats)}`} left. Choose fewer seats.`,
  EVENT_CANCELLED: () => 'This event was cancelled, so it takes no bookings.',
  EVENT_STARTED: () => 'This event has already started.',
  SALES_NOT_STARTED: ({ salesStartAt = '' }) => `The sale has not started yet. It starts on ${dateTime(salesStartAt)}.`,
  SALES_ENDED: ({ salesEndAt = '' }) => `The sale ended on ${dateTime(salesEndAt)}.`,
  USER_LIMIT_REACHED: ({ maxSeatsPerUser = 0, seatsLeft = 0 }) =>
    `One person can have at most ${seats(maxSeatsPerUser)}. ${
      seatsLeft === 0 ? 'You cannot book more.' : `You can book ${seats(seatsLeft)} more.`
    }`,
  QUEUED: ({ position = 0 }) => placeInLine({ position }),
  EVENT_NOT_FOUND: () => 'This event does not exist.',
  BOOKING_NOT_FOUND: () => 'This booking does not exist.',
  CANCELLATION_CLOSED: ({ cancellationDeadline = '' }) =>
    `You could cancel this booking until ${dateTime(cancellationDeadline)}.`,
  IDEMPOTENCY_KEY_REUSED: () => 'This request was already sent with other details. Reload the page and start again.',
  HOLD_NOT_FOUND: () => 'These seats are no longer held for you.',
  HOLD_EXPIRED: () => 'The time to book these seats is over. Hold or book seats again.',
  HOLD_RELEASED: () => 'You gave these seats back. Hold or book seats again.',
  HOLD_CONFIRMED: () => 'You have booked these seats. Cancel the booking to give them back.',
  SEATS_AVAILABLE: ({ availableSeats = 0 }) =>
    `${seats(availableSeats)} ${availableSeats === 1 ? 'is' : 'are'} free now. You can book without waiting.`,
  ALREADY_WAITING: ({ seatCount = 0 }) => `You wait for ${seats(seatCount)} already. Stop waiting first.`,
  SEATS_OFFERED: () => 'The seats are held for you now. Reload the page.',
  WAITLIST_ENTRY_NOT_FOUND: () => 'You do not wait for these seats.',
  BOOKING_CHECKED_IN: ({ checkedInSeats = 0 }) =>
    `${seats(checkedInSeats)} of this booking ${checkedInSeats === 1 ? 'was' : 'were'} used at the door, so it cannot be cancelled.`,
  INVALID_TICKET: () => 'This is not a genuine ticket.',
  WRONG_EVENT: () => 'This ticket is for another event.',
  TICKET_CANCELLED: () => 'The booking of this ticket was cancelled.',
  ALREADY_CHECKED_IN: () => 'All guests of this ticket are in already.',
  TOO_MANY_SEATS: ({ seatsLeft = 0 }) =>
    `Only ${seatsLeft === 1 ? '1 more guest' : `${seatsLeft} more guests`} can come in with this ticket.`,
  CAPACITY_BELOW_BOOKED: ({ bookedSeats = 0 }) =>
    `${seats(bookedSeats)} ${bookedSeats === 1 ? 'is' : 'are'} already booked or held. Enter this number or more.`,
  VERSION_CONFLICT: () => 'Somebody else changed this event in the meantime. The form now shows the new version.',
  WEBHOOK_EXISTS: () => 'You already have an endpoint with this address.',
  WEBHOOK_LIMIT_REACHED: ({ limit = 0 }) => `You can have ${limit} endpoints. Delete one first.`,
  WEBHOOK_NOT_FOUND: () => 'This endpoint does not exist.',
  WEBHOOK_DISABLED: () => 'This endpoint is off. Switch it on first.',
  WEBHOOK_DELIVERY_NOT_FOUND: () => 'This message is no longer kept.',
  EMAIL_TAKEN: () => 'There is already an account with this e-mail address. Sign in instead.',
  INVALID_CREDENTIALS: () => 'The e-mail address or the password is wrong.',
  INVALID_TOKEN: () => 'This link does not work any more. Ask for a new mail.',
  ADMIN_ACCOUNT: () => 'The account of an admin cannot be deleted. Ask an operator to revoke the role first.',
};

const ERRORS: Record<string, string> = {
  [NOT_SENT]: 'There is no connection. Your request was not sent.',
  [NO_ANSWER]: 'The connection was lost before the answer came.',
  SERVICE_UNAVAILABLE: 'The box office is busy at the moment.',
  UNAUTHENTICATED: 'Your session has ended. Sign in again.',
  FORBIDDEN: 'Your account may not see this.',
};

/** Says in plain words why something did not work. */
export function wordsFor(problem: Refusal | Error): string {
  if (!(problem instanceof Error)) return REFUSALS[problem.code]?.(problem) ?? problem.message;
  if (!(problem instanceof OperationError)) return 'Something went wrong on this page. Reload it.';
  const { code, retryAfterS, errors } = problem;
  if (code === 'RATE_LIMITED') {
    return `You sent many requests in a short time. Try again in ${retryAfterS === undefined ? 'a minute' : `${Math.ceil(retryAfterS)} seconds`}.`;
  }
  if (code === 'BAD_USER_INPUT') return ruleIn(problem.message);
  const id = errors[0]?.extensions?.errorId;
  return (
    ERRORS[code] ?? `Something went wrong on our side.${id === undefined ? '' : ` The number of this error is ${id}.`}`
  );
}

const FIELDS: Record<string, string> = {
  startsAt: 'the start of the event',
  salesEndAt: 'the end of the sale',
  totalSeats: 'the number of seats',
};

/** "input.salesStartAt must be before startsAt." becomes "Must be before the start of the event." */
const ruleIn = (message: string) =>
  message
    .replace(/^\S+ (.)/, (_, first: string) => first.toUpperCase())
    .replace(/\w+(?=\.$)/, (word) => FIELDS[word] ?? word);

/** Says where in the line of an event the user is. */
export const placeInLine = ({ position }: { position: number }): string =>
  `You are number ${(position + 1).toLocaleString('en')} in the line.`;

export const seats = (count: number): string => (count === 1 ? '1 seat' : `${count.toLocaleString('en')} seats`);

const day = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** A date and time of the user's time zone, like "Sat, 5 Dec 2026, 19:30". */
export const dateTime = (iso: string): string => `${day.format(new Date(iso))}, ${time.format(new Date(iso))}`;

const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The time zone of the user. */
export const ownTimeZone = (): string => OWN_ZONE;

/** A date and time in the time zone of an event. Undefined for UTC, the user's own zone, and a zone that is not known. */
export function timeThere(iso: string, timeZone: string): string | undefined {
  if (timeZone === 'UTC' || timeZone === OWN_ZONE) return undefined;
  try {
    const there = new Intl.DateTimeFormat('en-GB', { weekday: 'short', hour: '2-digit', minute: '2-digit', timeZone });
    return `${there.format(new Date(iso))} in ${timeZone.replaceAll('_', ' ')}`;
  } catch {
    return undefined;
  }
}

/** A time as <input type="datetime-local"> needs it. */
export function inputTime(iso: string): string {
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
