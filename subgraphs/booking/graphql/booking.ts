import type { BookingResolvers } from '../generated/graphql.ts';
import { visibleBooking } from './visibility.ts';

export const booking: BookingResolvers = {
  __resolveReference: async ({ id }, context) => {
    const visible = await visibleBooking(await context.bookings.load(id), context);
    return visible && { ...visible };
  },
  event: ({ eventId }) => ({ __typename: 'Event', id: eventId }),
  user: ({ userId }) => ({ __typename: 'User', id: userId }),
};
