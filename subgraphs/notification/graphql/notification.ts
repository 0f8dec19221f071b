import { isSelfOrAdmin } from '#platform/identity.ts';
import type { NotificationResolvers } from '../generated/graphql.ts';

export const notification: NotificationResolvers = {
  __resolveReference: async ({ id }, { caller, notifications }) => {
    const found = await notifications.load(id);
    return found !== null && isSelfOrAdmin(caller, found.userId) ? { ...found } : null;
  },
  booking: ({ bookingId }) => ({ __typename: 'Booking', id: bookingId }),
  user: ({ userId }) => ({ __typename: 'User', id: userId }),
};
