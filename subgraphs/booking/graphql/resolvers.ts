import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { booking, ticket } from './booking.ts';
import { cancelBooking } from './cancel-booking.ts';
import { checkIn } from './check-in.ts';
import { confirmHold } from './confirm-hold.ts';
import { createBooking } from './create-booking.ts';
import { event } from './event.ts';
import { hold } from './hold.ts';
import { holdSeats } from './hold-seats.ts';
import { joinWaitlist } from './join-waitlist.ts';
import { leaveWaitlist } from './leave-waitlist.ts';
import { query } from './query.ts';
import { releaseHold } from './release-hold.ts';
import { setEventCapacity } from './set-event-capacity.ts';
import { eventStatistics } from './statistics.ts';
import { user } from './user.ts';
import { waitlistEntry } from './waitlist-entry.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: {
    createBooking,
    cancelBooking,
    holdSeats,
    confirmHold,
    releaseHold,
    joinWaitlist,
    leaveWaitlist,
    setEventCapacity,
    checkIn,
  },
  Booking: booking,
  Ticket: ticket,
  Hold: hold,
  WaitlistEntry: waitlistEntry,
  Event: event,
  EventStatistics: eventStatistics,
  User: user,
};
