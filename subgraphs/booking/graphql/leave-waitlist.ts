import { requireCaller } from '#platform/identity/identity.ts';
import { leaveWaitlist as leave } from '../commands/leave-waitlist.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const leaveWaitlist: MutationResolvers['leaveWaitlist'] = async (_parent, { input }, context) => {
  const { dependencies, inventories, waitlistEntries, requestId } = context;
  const caller = requireCaller(context.caller);
  const result = await leave(dependencies, { caller, requestId, input });
  waitlistEntries.clear(input.id);
  switch (result.outcome) {
    case 'left':
      inventories.clear(result.entry.eventId);
      return { __typename: 'LeaveWaitlistPayload', entry: result.entry };
    case 'seats-offered':
      return {
        __typename: 'SeatsOfferedError',
        code: 'SEATS_OFFERED',
        message: 'The seats were offered. Release the hold instead.',
        holdId: result.holdId,
      };
    case 'unknown-entry':
      return {
        __typename: 'WaitlistEntryNotFoundError',
        code: 'WAITLIST_ENTRY_NOT_FOUND',
        message: 'There is no such entry of a waiting list.',
      };
  }
};
