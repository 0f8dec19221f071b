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
  },
  Mutation: {
    redriveDeadLetter: adminsOnly,
    redriveDeadLetters: adminsOnly,
    retryNotification: adminsOnly,
    retryNotifications: adminsOnly,
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
    // The user subgraph has the rules for the other fields of a user.
    User: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        notifications: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
      },
    },
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
  },
};
