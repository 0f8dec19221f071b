import type { WaitlistEntryResolvers } from '../generated/graphql.ts';

export const waitlistEntry = {
  __resolveReference: async ({ id }, { waitlistEntries }) => {
    const found = await waitlistEntries.load(id);
    return found && { ...found };
  },
  event: ({ eventId }) => ({ __typename: 'Event', id: eventId }),
  user: ({ userId }) => ({ __typename: 'User', id: userId }),
  entriesAhead: (entry, _args, { entriesAhead }) => (entry.status === 'WAITING' ? entriesAhead.load(entry) : null),
  hold: ({ holdId }, _args, { holds }) => (holdId === null ? null : holds.load(holdId)),
} satisfies WaitlistEntryResolvers;
