import { adminsOnly, edgeOf, everyone, isAdmin, open, type Policy, signedIn } from '#platform/authorization.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity.ts';

interface Reader {
  readonly caller: Caller | null;
}

/** What is written to a user is for that user and for admins, not for the organizer of the event it is about. */
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
    NotificationConnection: open,
    NotificationEdge: edgeOf(readsNotification),
    // What else a booking is and who sees it, the booking subgraph knows.
    Booking: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        user: everyone,
        notifications: ({ ownerId }: { ownerId: string | null }, { caller }) => isSelfOrAdmin(caller, ownerId),
      },
    },
    // What else a user is and who sees it, the user subgraph knows.
    User: {
      visibleTo: everyone,
      fields: {
        id: everyone,
        notifications: ({ id }: { id: string }, { caller }) => isSelfOrAdmin(caller, id),
      },
    },
    DeadLetter: { visibleTo: readsDeadLetter, fields: everyone },
    DeadLetterConnection: open,
    DeadLetterEdge: edgeOf(readsDeadLetter),
    PageInfo: open,
    RedriveDeadLetterPayload: open,
    RedriveDeadLettersPayload: open,
    RetryNotificationPayload: open,
    RetryNotificationsPayload: open,
    InvalidInputError: open,
    DeadLetterNotFoundError: open,
    NotificationNotFoundError: open,
  },
};
