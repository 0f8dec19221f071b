import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { checkIn as checkSeatsIn } from '../commands/check-in.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const checkIn: MutationResolvers['checkIn'] = async (_parent, args, context) => {
  const { dependencies, inventories, bookings, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(dependencies.checkInRules, args.input);
  if (!input.ok) return input.error;
  const result = await checkSeatsIn(dependencies, { caller, requestId, input: input.value });
  switch (result.outcome) {
    case 'checked-in': {
      const { booking, checkIn, replayed } = result;
      inventories.clear(booking.eventId);
      bookings.clear(booking.id);
      return { __typename: 'CheckInPayload', booking, seats: checkIn.seats, checkedInAt: checkIn.createdAt, replayed };
    }
    case 'invalid-ticket':
      return { __typename: 'InvalidTicketError', code: 'INVALID_TICKET', message: 'This is not a genuine ticket.' };
    case 'wrong-event':
      return {
        __typename: 'WrongEventError',
        code: 'WRONG_EVENT',
        message: 'The ticket is for another event.',
        eventId: result.eventId,
      };
    case 'ticket-cancelled':
      return {
        __typename: 'TicketCancelledError',
        code: 'TICKET_CANCELLED',
        message: 'The booking of this ticket was cancelled.',
        cancelledAt: result.cancelledAt,
      };
    case 'too-many-seats': {
      const { seatsLeft } = result;
      const refusal =
        seatsLeft === 0
          ? { code: 'ALREADY_CHECKED_IN', message: 'All seats of this ticket were checked in before.' }
          : { code: 'TOO_MANY_SEATS', message: 'The ticket has fewer seats left.' };
      return { __typename: 'TooManySeatsError', ...refusal, seatsLeft };
    }
    case 'key-reused':
      return {
        __typename: 'IdempotencyKeyReusedError',
        code: 'IDEMPOTENCY_KEY_REUSED',
        message: 'This device key was used for a different number of seats of the booking. Choose a new key.',
      };
    case 'unknown-event':
      return { __typename: 'EventNotFoundError', code: 'EVENT_NOT_FOUND', message: 'There is no such event.' };
  }
};
