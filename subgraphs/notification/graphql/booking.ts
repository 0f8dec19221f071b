import { isSelfOrAdmin } from '#platform/identity.ts';
import type { BookingResolvers } from '../generated/graphql.ts';

export const booking: BookingResolvers = {
  __resolveReference: ({ id }) => ({ __typename: 'Booking', id }),
  notifications: async ({ id }, _args, { caller, bookingNotifications }) => {
    if (caller === null) return null;
    const found = await bookingNotifications.load(id);
    return found.every(({ userId }) => isSelfOrAdmin(caller, userId)) ? found : null;
  },
};
