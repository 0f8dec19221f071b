import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { booking } from './booking.ts';
import { cancelBooking } from './cancel-booking.ts';
import { createBooking } from './create-booking.ts';
import { event } from './event.ts';
import { query } from './query.ts';
import { setEventCapacity } from './set-event-capacity.ts';
import { user } from './user.ts';

export const resolvers: Resolvers = {
  DateTime,
  Query: query,
  Mutation: { createBooking, cancelBooking, setEventCapacity },
  Booking: booking,
  Event: event,
  User: user,
};
