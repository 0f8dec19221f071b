import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { setEventCapacity as setCapacity } from '../commands/set-event-capacity.ts';
import { setEventCapacityRules } from '../domain/booking-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const setEventCapacity: MutationResolvers['setEventCapacity'] = async (_parent, args, context) => {
  const { dependencies, inventories, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(setEventCapacityRules, args.input);
  if (!input.ok) return input.error;
  const { eventId } = input.value;
  const result = await setCapacity(dependencies, { caller, requestId, input: input.value });
  inventories.clear(eventId);
  switch (result.outcome) {
    case 'capacity-set':
      return { __typename: 'SetEventCapacityPayload', event: { __typename: 'Event', id: eventId } };
    case 'capacity-below-booked':
      return {
        __typename: 'CapacityBelowBookedError',
        code: 'CAPACITY_BELOW_BOOKED',
        message: 'The new capacity is lower than the number of booked and held seats.',
        bookedSeats: result.bookedSeats,
      };
    case 'event-cancelled':
      return { __typename: 'EventNotBookableError', code: 'EVENT_CANCELLED', message: 'The event was cancelled.' };
    case 'unknown-event':
      return { __typename: 'EventNotFoundError', code: 'EVENT_NOT_FOUND', message: 'There is no such event.' };
  }
};
