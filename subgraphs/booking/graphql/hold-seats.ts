import { isId, parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { holdSeats as hold } from '../commands/hold-seats.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { seatsRefusal } from './seats-refusal.ts';

export const holdSeats: MutationResolvers['holdSeats'] = async (_parent, args, context) => {
  const { dependencies, inventories, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(dependencies.holdSeatsRules, args.input);
  if (!input.ok) return input.error;
  const { eventId } = input.value;
  if (!isId(eventId)) return seatsRefusal({ outcome: 'unknown-event' }, 'hold');
  const result = await hold(dependencies, { caller, requestId, input: input.value });
  inventories.clear(eventId);
  if (result.outcome !== 'held') return seatsRefusal(result, 'hold');
  return { __typename: 'HoldSeatsPayload', hold: result.hold, replayed: result.replayed };
};
