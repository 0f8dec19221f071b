import type { HoldResolvers } from '../generated/graphql.ts';

export const hold = {
  __resolveReference: async ({ id }, { holds }) => {
    const found = await holds.load(id);
    return found && { ...found };
  },
  event: ({ eventId }) => ({ __typename: 'Event', id: eventId }),
  user: ({ userId }) => ({ __typename: 'User', id: userId }),
  booking: ({ id, status }, _args, { bookings }) => (status === 'CONFIRMED' ? bookings.load(id) : null),
} satisfies HoldResolvers;

export const holdNotFound = {
  __typename: 'HoldNotFoundError',
  code: 'HOLD_NOT_FOUND',
  message: 'There is no such hold.',
} as const;
