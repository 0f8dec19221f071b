import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { createWebhook } from './create-webhook.ts';
import { deleteWebhook } from './delete-webhook.ts';
import { query } from './query.ts';
import { redeliverWebhook } from './redeliver-webhook.ts';
import { redriveDeadLetter } from './redrive-dead-letter.ts';
import { redriveDeadLetters } from './redrive-dead-letters.ts';
import { retryNotification } from './retry-notification.ts';
import { retryNotifications } from './retry-notifications.ts';
import { rotateWebhookSecret } from './rotate-webhook-secret.ts';
import { updateWebhook } from './update-webhook.ts';
import { user } from './user.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: {
    redriveDeadLetter,
    redriveDeadLetters,
    retryNotification,
    retryNotifications,
    createWebhook,
    updateWebhook,
    deleteWebhook,
    rotateWebhookSecret,
    redeliverWebhook,
  },
  Notification: {
    __resolveReference: async ({ id }, { notifications }) => {
      const found = await notifications.load(id);
      return found && { ...found };
    },
    booking: ({ bookingId, userId, kind }) =>
      kind === 'BOOKING_CONFIRMED' || kind === 'BOOKING_CANCELLED'
        ? { __typename: 'Booking', id: bookingId, ownerId: userId }
        : null,
    hold: ({ bookingId, kind }) => (kind === 'WAITLIST_OFFERED' ? { __typename: 'Hold', id: bookingId } : null),
    event: ({ eventId }) => ({ __typename: 'Event', id: eventId }),
    change: ({ changeId }, _args, { eventChanges }) => (changeId === null ? null : eventChanges.load(changeId)),
    user: ({ userId }) => ({ __typename: 'User', id: userId }),
  },
  DeadLetter: { payload: ({ payload }) => new TextDecoder().decode(payload) },
  Booking: {
    __resolveReference: ({ id, user }) => ({ __typename: 'Booking', id, ownerId: user?.id ?? null }),
    notifications: ({ id }, _args, { bookingNotifications }) => bookingNotifications.load(id),
  },
  User: user,
  Webhook: {
    deliveries: async ({ id }, args, { webhookDeliveryPages }) => {
      const page = pageOf(args, idKey);
      return connectionById(await webhookDeliveryPages.load({ webhookId: id, page }), page);
    },
  },
};
