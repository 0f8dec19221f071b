import type { BookingResolvers } from '../generated/graphql.ts';

export const booking = {
  __resolveReference: async ({ id }, { bookings }) => {
    const found = await bookings.load(id);
    return found && { ...found };
  },
  event: ({ eventId }) => ({ __typename: 'Event', id: eventId }),
  user: ({ userId }) => ({ __typename: 'User', id: userId }),
} satisfies BookingResolvers;
