import {
  adminsOnly,
  edgeOf,
  everyone,
  isAdmin,
  type Policy,
  signedIn,
  visibleToEveryone,
} from '#platform/identity/authorization.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';

interface Reader {
  readonly caller: Caller | null;
}

/** A notification is visible to its recipient and to admins, but not to the organizer of the event. */
const readsNotification = ({ userId }: { userId: string }, { caller }: Reader): boolean =>
  isSelfOrAdmin(caller, userId);

const readsDeadLetter = (_deadLetter: unknown, { caller }: Reader): boolean => isAdmin(caller);

export const policy: Policy<Reader> = {
  Query: {
    notifications: signedIn,
    deadLetters: adminsOnly,
    webhook: everyone,
  },
  Mutation: {
    redriveDeadLetter: adminsOnly,
    redriveDeadLetters: adminsOnly,
    retryNotification: adminsOnly,
    retryNotifications: adminsOnly,
    createWebhook: signedIn,
    // The commands find only endpoints of the caller, or all for an admin. Others look absent.
    updateWebhook: signedIn,
    deleteWebhook: signedIn,
    rotateWebhookSecret: signedIn,
    redeliverWebhook: signedIn,
  },
  types: {
    Notification: { visibleTo: readsNotification, fields: everyone },
    // It can be read only as a part of a notification.
    EventChange: visibleToEveryone,
    Event: visibleToEveryone,
    NotificationConnection: visibleToEveryone,
    NotificationEdge: edgeOf(readsNotification),
    // The booking subgraph has the rules for the other fields of a booking.
    Booking: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        user: everyone,
        notifications: ({ ownerId }: { ownerId: string | null }, { caller }) => isSelfOrAdmin(caller, ownerId),
      },
    },
    // The booking subgraph has the rules for the fields of a hold.
    Hold: visibleToEveryone,
    // The user subgraph has the rules for the other fields of a user.
    User: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        notifications: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
        webhooks: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
      },
    },
    Webhook: {
      visibleTo: ({ userId }: { userId: string }, { caller }) => isSelfOrAdmin(caller, userId),
      fields: everyone,
    },
    // Only a visible endpoint and redeliverWebhook return deliveries.
    WebhookDelivery: visibleToEveryone,
    WebhookDeliveryConnection: visibleToEveryone,
    WebhookDeliveryEdge: visibleToEveryone,
    WebhookAttempt: visibleToEveryone,
    DeadLetter: { visibleTo: readsDeadLetter, fields: everyone },
    DeadLetterConnection: visibleToEveryone,
    DeadLetterEdge: edgeOf(readsDeadLetter),
    PageInfo: visibleToEveryone,
    RedriveDeadLetterPayload: visibleToEveryone,
    RedriveDeadLettersPayload: visibleToEveryone,
    RetryNotificationPayload: visibleToEveryone,
    RetryNotificationsPayload: visibleToEveryone,
    InvalidInputError: visibleToEveryone,
    DeadLetterNotFoundError: visibleToEveryone,
    NotificationNotFoundError: visibleToEveryone,
    CreateWebhookPayload: visibleToEveryone,
    UpdateWebhookPayload: visibleToEveryone,
    DeleteWebhookPayload: visibleToEveryone,
    RotateWebhookSecretPayload: visibleToEveryone,
    RedeliverWebhookPayload: visibleToEveryone,
    WebhookExistsError: visibleToEveryone,
    WebhookLimitReachedError: visibleToEveryone,
    WebhookNotFoundError: visibleToEveryone,
    WebhookDisabledError: visibleToEveryone,
    WebhookDeliveryNotFoundError: visibleToEveryone,
  },
};
