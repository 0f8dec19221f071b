import type { Client } from '#client/client.ts';
import type {
  BookingFieldsFragment,
  CheckInMutation,
  EventFieldsFragment,
  JoinWaitlistMutation,
  WaitlistFieldsFragment,
} from '#client/generated/graphql.ts';

export const seatsText = (count: number) => `${count} ${count === 1 ? 'seat' : 'seats'}`;
export const timeText = (iso: string) => iso.slice(0, 16).replace('T', ' ');

/** A time of an event in UTC and, if it is another zone, in the zone of the event. */
function eventTimeText(iso: string, timeZone: string): string {
  if (timeZone === 'UTC') return timeText(iso);
  const there = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone });
  return `${timeText(iso)} UTC (${there.format(new Date(iso))} ${timeZone})`;
}

export const describeEvent = ({ id, name, startsAt, timeZone, venue, ...facts }: EventFieldsFragment) =>
  `${id}  ${eventTimeText(startsAt, timeZone)}  ${name}${venue ? `, ${venue}` : ''}: ${describeSale(facts)}`;

function describeSale({
  availableSeats,
  totalSeats,
  status,
  salesStartAt,
  salesEndAt,
  maxSeatsPerUser,
  cancellationDeadline,
  cancellationReason,
}: Omit<EventFieldsFragment, 'id' | 'name' | 'startsAt' | 'timeZone' | 'venue'>): string {
  if (status === 'CANCELLED') return cancellationReason === null ? 'cancelled' : `cancelled (${cancellationReason})`;
  return [
    `${availableSeats ?? '?'} of ${totalSeats ?? '?'} seats free`,
    ...(maxSeatsPerUser === null ? [] : [`at most ${maxSeatsPerUser} per user`]),
    ...(salesStartAt === null ? [] : [`on sale from ${timeText(salesStartAt)} UTC`]),
    ...(salesEndAt === null ? [] : [`on sale until ${timeText(salesEndAt)} UTC`]),
    ...(cancellationDeadline === null ? [] : [`cancellations until ${timeText(cancellationDeadline)} UTC`]),
  ].join(', ');
}

type SeatsResult = Awaited<ReturnType<Client['book'] | Client['hold']>> | JoinWaitlistMutation['joinWaitlist'];

/** Says why a user gets no seats, with the numbers that the user needs. */
export function describeRefusal(
  refusal: Exclude<SeatsResult, { __typename: 'CreateBookingPayload' | 'HoldSeatsPayload' | 'JoinWaitlistPayload' }>,
): string {
  switch (refusal.__typename) {
    case 'SoldOutError':
    case 'SeatsAvailableError':
      return `${refusal.message} It has ${seatsText(refusal.availableSeats)}.`;
    case 'AlreadyWaitingError':
      return `You wait for ${seatsText(refusal.seatCount)}. Leave first: npm run cli -- leave ${refusal.entryId}`;
    case 'SalesNotStartedError':
      return `${refusal.message} It starts at ${timeText(refusal.salesStartAt)} UTC.`;
    case 'SalesEndedError':
      return `${refusal.message} It ended at ${timeText(refusal.salesEndAt)} UTC.`;
    case 'UserLimitReachedError':
      return `One user can have at most ${seatsText(refusal.maxSeatsPerUser)}. You can book ${refusal.seatsLeft} more.`;
    default:
      return refusal.message;
  }
}

/** Says why a guest does not get in. */
export function describeDoorRefusal(
  refusal: Exclude<CheckInMutation['checkIn'], { __typename: 'CheckInPayload' }>,
): string {
  switch (refusal.__typename) {
    case 'TooManySeatsError':
      return refusal.seatsLeft === 0
        ? refusal.message
        : `${refusal.message} It has ${seatsText(refusal.seatsLeft)} left.`;
    case 'TicketCancelledError':
      return refusal.cancelledAt === null
        ? refusal.message
        : `${refusal.message} This was at ${timeText(refusal.cancelledAt)} UTC.`;
    case 'WrongEventError':
      return `${refusal.message} Its event is ${refusal.eventId}.`;
    default:
      return refusal.message;
  }
}

export const describeBooking = ({ id, seatCount, status, cancellationReason, event }: BookingFieldsFragment) =>
  `${id}  ${status.toLowerCase()}  ${seatCount} × ${event?.name ?? 'an event that cannot be read now'}${
    cancellationReason === null ? '' : ` (${cancellationReason})`
  }`;

export function describeEntry({ id, seatCount, status, entriesAhead, hold, event }: WaitlistFieldsFragment): string {
  const state = status === 'WAITING' ? `waiting, ${entriesAhead ?? '?'} before you` : status.toLowerCase();
  const offer = hold === null ? '' : `. The hold is ${hold.id}, ${hold.status.toLowerCase()}`;
  const until = hold?.status === 'HELD' ? ` until ${timeText(hold.expiresAt)} UTC` : '';
  return `${id}  ${state}: ${seatCount} × ${event?.name ?? 'an event that cannot be read now'}${offer}${until}`;
}
