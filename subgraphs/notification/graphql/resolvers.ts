import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { booking } from './booking.ts';
import { deadLetter } from './dead-letter.ts';
import { notification } from './notification.ts';
import { query } from './query.ts';
import { redriveDeadLetter } from './redrive-dead-letter.ts';
import { redriveDeadLetters } from './redrive-dead-letters.ts';
import { retryNotification } from './retry-notification.ts';
import { retryNotifications } from './retry-notifications.ts';
import { user } from './user.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: { redriveDeadLetter, redriveDeadLetters, retryNotification, retryNotifications },
  Notification: notification,
  DeadLetter: deadLetter,
  Booking: booking,
  User: user,
};
