import type { Queued } from '../domain/line.ts';
import type { JoinOutcome, NotBookable, SeatsRefusal } from '../domain/seat-requests.ts';
import type { ResolversTypes } from '../generated/graphql.ts';

type Refusal = Extract<ResolversTypes['CreateBookingResult'], ResolversTypes['HoldSeatsResult']>;
type CommonRefusal = Extract<Refusal, ResolversTypes['JoinWaitlistResult']>;

/** Returns the result for a user who gets no seats. The key belongs to a `purpose`. */
export function seatsRefusal(result: SeatsRefusal | Queued, purpose: 'booking' | 'hold'): Refusal {
  switch (result.outcome) {
    case 'sold-out':
      return {
        __typename: 'SoldOutError',
        code: 'SOLD_OUT',
        message: 'The event does not have enough free seats.',
        availableSeats: result.availableSeats,
      };
    case 'queued':
      return {
        __typename: 'QueuedError',
        code: 'QUEUED',
        message: 'Others came first. Call again with the place at comeBackAt.',
        place: result.place,
        position: result.position,
        comeBackAt: result.comeBackAt,
      };
    case 'key-reused':
      return {
        __typename: 'IdempotencyKeyReusedError',
        code: 'IDEMPOTENCY_KEY_REUSED',
        message: `This idempotency key was used for a different ${purpose}. Choose a new key.`,
      };
    default:
      return eventRefusal(result);
  }
}

/** Returns the result for a user who gets no seats, whether they are free or not. */
export function eventRefusal(result: Extract<SeatsRefusal, JoinOutcome>): CommonRefusal {
  switch (result.outcome) {
    case 'not-bookable':
      return notBookableError(result);
    case 'sales-not-started':
      return {
        __typename: 'SalesNotStartedError',
        code: 'SALES_NOT_STARTED',
        message: 'The sale of seats has not started yet.',
        salesStartAt: result.salesStartAt,
      };
    case 'sales-ended':
      return {
        __typename: 'SalesEndedError',
        code: 'SALES_ENDED',
        message: 'The sale of seats has ended.',
        salesEndAt: result.salesEndAt,
      };
    case 'user-limit-reached':
      return {
        __typename: 'UserLimitReachedError',
        code: 'USER_LIMIT_REACHED',
        message: 'The user would have more seats of the event than it allows.',
        maxSeatsPerUser: result.maxSeatsPerUser,
        seatsLeft: result.seatsLeft,
      };
    case 'unknown-event':
      return { __typename: 'EventNotFoundError', code: 'EVENT_NOT_FOUND', message: 'There is no such event.' };
  }
}

export const notBookableError = ({ reason }: NotBookable) =>
  ({
    __typename: 'EventNotBookableError',
    code: reason,
    message: reason === 'EVENT_STARTED' ? 'The event has started.' : 'The event was cancelled.',
  }) as const;
