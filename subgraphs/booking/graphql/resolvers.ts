import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { cancelBooking } from './cancel-booking.ts';
import { confirmHold } from './confirm-hold.ts';
import { createBooking } from './create-booking.ts';
import { event } from './event.ts';
import { hold } from './hold.ts';
import { holdSeats } from './hold-seats.ts';
import { query } from './query.ts';
import { releaseHold } from './release-hold.ts';
import { setEventCapacity } from './set-event-capacity.ts';
import { eventStatistics } from './statistics.ts';
import { user } from './user.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: { createBooking, cancelBooking, holdSeats, confirmHold, releaseHold, setEventCapacity },
  Booking: {
    __resolveReference: async ({ id }, { bookings }) => {
      const found = await bookings.load(id);
      return found && { ...found };
    },
    event: ({ eventId }) => ({ __typename: 'Event', id: eventId }),
    user: ({ userId }) => ({ __typename: 'User', id: userId }),
    attendee: ({ userId }, _args, { contacts }) => contacts.load(userId),
  },
  Hold: hold,
  Event: event,
  EventStatistics: eventStatistics,
  User: user,
};
