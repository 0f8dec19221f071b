import type { BookingResolvers } from '../generated/graphql.ts';

export const booking = {
  __resolveReference: ({ id, user }) => ({ __typename: 'Booking', id, ownerId: user?.id ?? null }),
  notifications: ({ id }, _args, { bookingNotifications }) => bookingNotifications.load(id),
} satisfies BookingResolvers;
