import { isId, parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { createBooking as create } from '../commands/create-booking.ts';
import type { MutationResolvers, ResolversTypes } from '../generated/graphql.ts';

export const createBooking: MutationResolvers['createBooking'] = async (_parent, args, context) => {
  const { dependencies, inventories, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(dependencies.createBookingRules, args.input);
  if (!input.ok) return input.error;
  const { eventId } = input.value;
  if (!isId(eventId)) return bookingResult({ outcome: 'unknown-event' });
  const outcome = await create(dependencies, { caller, requestId, input: input.value });
  inventories.clear(eventId);
  return bookingResult(outcome);
};

function bookingResult(result: Awaited<ReturnType<typeof create>>): ResolversTypes['CreateBookingResult'] {
  switch (result.outcome) {
    case 'booked':
      return { __typename: 'CreateBookingPayload', booking: result.booking, replayed: result.replayed };
    case 'sold-out':
      return {
        __typename: 'SoldOutError',
        code: 'SOLD_OUT',
        message: 'The event does not have enough free seats.',
        availableSeats: result.availableSeats,
      };
    case 'not-bookable':
      return {
        __typename: 'EventNotBookableError',
        code: result.reason,
        message: result.reason === 'EVENT_STARTED' ? 'The event has started.' : 'The event was cancelled.',
      };
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
    case 'key-reused':
      return {
        __typename: 'IdempotencyKeyReusedError',
        code: 'IDEMPOTENCY_KEY_REUSED',
        message: 'This idempotency key was used for a different booking. Choose a new key.',
      };
    case 'unknown-user':
      return {
        __typename: 'InvalidInputError',
        code: 'USER_NOT_FOUND',
        message: 'There is no such user.',
        field: 'input.userId',
      };
    case 'unknown-event':
      return { __typename: 'EventNotFoundError', code: 'EVENT_NOT_FOUND', message: 'There is no such event.' };
  }
}
