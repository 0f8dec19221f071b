import { isId, parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { createBooking as create } from '../commands/create-booking.ts';
import type { MutationResolvers, ResolversTypes } from '../generated/graphql.ts';
import { seatsRefusal } from './seats-refusal.ts';

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
    case 'unknown-user':
      return {
        __typename: 'InvalidInputError',
        code: 'USER_NOT_FOUND',
        message: 'There is no such user.',
        field: 'input.userId',
      };
    default:
      return seatsRefusal(result, 'booking');
  }
}
