import { isId, parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { joinWaitlist as join } from '../commands/join-waitlist.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { eventRefusal } from './seats-refusal.ts';

export const joinWaitlist: MutationResolvers['joinWaitlist'] = async (_parent, args, context) => {
  const { dependencies, inventories, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(dependencies.joinWaitlistRules, args.input);
  if (!input.ok) return input.error;
  const { eventId } = input.value;
  if (!isId(eventId)) return eventRefusal({ outcome: 'unknown-event' });
  const result = await join(dependencies, { caller, requestId, input: input.value });
  inventories.clear(eventId);
  switch (result.outcome) {
    case 'joined':
      return { __typename: 'JoinWaitlistPayload', entry: result.entry, replayed: result.replayed };
    case 'seats-available':
      return {
        __typename: 'SeatsAvailableError',
        code: 'SEATS_AVAILABLE',
        message: 'The event has enough free seats. Book them.',
        availableSeats: result.availableSeats,
      };
    case 'already-waiting':
      return {
        __typename: 'AlreadyWaitingError',
        code: 'ALREADY_WAITING',
        message: 'The user already waits for another number of seats.',
        entryId: result.entry.id,
        seatCount: result.entry.seatCount,
      };
    default:
      return eventRefusal(result);
  }
};
