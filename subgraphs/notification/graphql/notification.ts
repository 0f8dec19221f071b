import type { NotificationResolvers } from '../generated/graphql.ts';

export const notification = {
  __resolveReference: async ({ id }, { notifications }) => {
    const found = await notifications.load(id);
    return found && { ...found };
  },
  booking: ({ bookingId, userId }) => ({ __typename: 'Booking', id: bookingId, ownerId: userId }),
  user: ({ userId }) => ({ __typename: 'User', id: userId }),
} satisfies NotificationResolvers;
