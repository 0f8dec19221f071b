import { requireCaller } from '#platform/identity/identity.ts';
import { releaseHold as release } from '../commands/end-hold.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { holdNotFound } from './hold.ts';

export const releaseHold: MutationResolvers['releaseHold'] = async (_parent, { input }, context) => {
  const { dependencies, inventories, holds, requestId } = context;
  const caller = requireCaller(context.caller);
  const result = await release(dependencies, { caller, requestId, input });
  holds.clear(input.id);
  switch (result.outcome) {
    case 'released':
      inventories.clear(result.hold.eventId);
      return { __typename: 'ReleaseHoldPayload', hold: result.hold };
    case 'hold-confirmed':
      return {
        __typename: 'HoldConfirmedError',
        code: 'HOLD_CONFIRMED',
        message: 'The hold has become a booking. Cancel the booking instead.',
        bookingId: result.hold.id,
      };
    case 'unknown-hold':
      return holdNotFound;
  }
};
