import type { z } from 'zod';
import type { SqlExecutor } from '#platform/database/database.ts';
import { DEAD_LETTER, deadLetter } from '#platform/messaging/dead-letter.ts';
import type { ReceivedMessage } from '#platform/messaging/message.ts';
import { type MessageHandler, onMessage } from '#platform/messaging/message-handlers.ts';
import { bookingMessages, waitlistMessages } from '../../booking/messaging/contract.ts';
import { eventMessages } from '../../event/messaging/contract.ts';
import { userMessages } from '../../user/messaging/contract.ts';
import type { AccountMailKind } from '../domain/account-mail.ts';
import type { NotificationChannel, NotificationKind } from '../domain/notification.ts';
import { type WebhookKind, webhookPayload } from '../domain/webhook.ts';
import { saveAccountMails } from '../store/account-mails.ts';
import { changeNotification } from '../store/change-notification.ts';
import { saveContacts } from '../store/contacts.ts';
import { insertDeadLetters } from '../store/dead-letters.ts';
import { saveDeletedUsers } from '../store/deleted-users.ts';
import { findLaterChanges, saveEventBookings, saveEventChanges } from '../store/event-changes.ts';
import { saveEventDetails } from '../store/event-details.ts';
import { insertNotifications, type NewNotification } from '../store/notifications.ts';
import { deliverBookingsToWebhooks, deliverToWebhooks } from '../store/webhook-messages.ts';

/** Handlers for all messages. A missing handler is a type error, because its messages would become dead letters. */
type Handlers<Messages> = Readonly<Record<keyof Messages & string, MessageHandler>>;

/** Creates a handler that needs only the data of the messages and applies a batch in one statement. */
const onData = <Schema extends z.ZodType>(
  schema: Schema,
  apply: (transaction: SqlExecutor, data: z.output<Schema>[]) => Promise<void>,
) =>
  onMessage(schema, (transaction, messages) =>
    apply(
      transaction,
      messages.map(({ data }) => data),
    ),
  );

/** Creates a handler that saves mails with tokens. A request without a token names no account, so it has no effect. */
const mailTokens = (type: keyof typeof userMessages & `${string}-requested.v1`, kind: AccountMailKind) =>
  onMessage(userMessages[type], async (transaction, messages) => {
    const mails = messages.flatMap(({ id, correlationId = null, data: { sealedToken, ...data } }) =>
      sealedToken === null ? [] : [{ ...data, kind, sealedToken, messageId: id, requestId: correlationId }],
    );
    if (mails.length > 0) await saveAccountMails(transaction, mails);
  });

/** Handlers that save the contacts of users and mails to them, and forget deleted users. */
export const userHandlers: Handlers<typeof userMessages> = {
  'user.registered.v1': onData(userMessages['user.registered.v1'], saveContacts),
  'user.password-reset-requested.v1': mailTokens('user.password-reset-requested.v1', 'PASSWORD_RESET'),
  'user.email-verification-requested.v1': mailTokens('user.email-verification-requested.v1', 'EMAIL_VERIFICATION'),
  'user.deleted.v1': onData(userMessages['user.deleted.v1'], (transaction, deletions) =>
    saveDeletedUsers(
      transaction,
      deletions.map(({ userId }) => userId),
    ),
  ),
};

/**
 * Creates handlers that save the event facts that notifications contain, and changes of which users are told, and add
 * deliveries for webhooks.
 */
export function eventHandlers({ newId }: { newId: () => string }) {
  const keep = (type: keyof typeof eventMessages, kind: WebhookKind) =>
    onMessage(eventMessages[type], async (transaction, messages) => {
      await saveEventDetails(
        transaction,
        messages.map(({ data }) => data),
      );
      const changes = messages.flatMap(({ id, time, correlationId: requestId = null, data }) => {
        if (!('previousStartsAt' in data) || data.previousStartsAt == null) return [];
        const { eventId, startsAt, venue, previousStartsAt, previousVenue = null } = data;
        return [{ id, eventId, startsAt, venue, previousStartsAt, previousVenue, changedAt: time, requestId }];
      });
      if (changes.length > 0) await saveEventChanges(transaction, changes);
      const deliveries = messages.map(({ id, time, correlationId = null, data }) => {
        const { eventId, name, venue, startsAt, timeZone = 'UTC', status, organizerId, initialSeats, version } = data;
        const { salesStartAt = null, salesEndAt = null, maxSeatsPerUser = null } = data;
        const { cancellationDeadline = null, cancellationReason = null } = data;
        const facts = {
          ...{ eventId, name, venue, startsAt, timeZone, status, organizerId, initialSeats, version },
          ...{ salesStartAt, salesEndAt, maxSeatsPerUser, cancellationDeadline, cancellationReason },
        };
        return {
          messageId: id,
          organizerId,
          kind,
          payload: webhookPayload(kind, time, facts),
          requestId: correlationId,
        };
      });
      await deliverToWebhooks(transaction, deliveries, newId);
    });
  return {
    'event.created.v1': keep('event.created.v1', 'EVENT_CREATED'),
    'event.updated.v1': keep('event.updated.v1', 'EVENT_UPDATED'),
    'event.cancelled.v1': keep('event.cancelled.v1', 'EVENT_CANCELLED'),
  } satisfies Handlers<typeof eventMessages>;
}

/**
 * Creates handlers that add a PENDING notification on the given channel for each confirmed or cancelled booking and
 * deliveries for the webhooks of the organizer, and save the bookings. If an event has changed after the booking was
 * confirmed, the change is told as well: it may have been told to the others before. Seats that are offered to a waiting
 * list also make a notification.
 */
export function bookingHandlers({ channel, newId }: { channel: NotificationChannel; newId: () => string }) {
  const insert = (
    transaction: SqlExecutor,
    kind: NotificationKind,
    messages: readonly (Pick<ReceivedMessage<unknown>, 'correlationId' | 'traceparent'> & { data: About })[],
  ) =>
    insertNotifications(
      transaction,
      messages.map(({ data, correlationId = null, traceparent = null }) => ({
        ...data,
        id: newId(),
        kind,
        channel,
        requestId: correlationId,
        traceparent,
        changeId: null,
      })),
    );
  const notify = (type: keyof typeof bookingMessages, kind: NotificationKind & WebhookKind) =>
    onMessage(bookingMessages[type], async (transaction, messages) => {
      await insert(
        transaction,
        kind,
        messages.map(({ data, ...rest }) => ({ ...rest, data: { ...data, expiresAt: null, reason: reasonOf(data) } })),
      );
      const isConfirmed = type === 'booking.confirmed.v1';
      const bookings = messages.map(({ data, time }) => ({ ...data, confirmedAt: isConfirmed ? time : null }));
      await saveEventBookings(transaction, bookings);
      const later = isConfirmed ? await findLaterChanges(transaction, bookings) : [];
      if (later.length > 0) {
        await insertNotifications(
          transaction,
          later.map(({ change, user }) => changeNotification(change, user, channel)),
        );
      }
      const deliveries = messages.map(({ id, time, correlationId = null, data }) => {
        const { bookingId, eventId, userId, seatCount } = data;
        const facts = {
          bookingId,
          eventId,
          userId,
          seatCount,
          ...(!isConfirmed && { cancellationReason: reasonOf(data) }),
        };
        return { messageId: id, eventId, kind, payload: webhookPayload(kind, time, facts), requestId: correlationId };
      });
      await deliverBookingsToWebhooks(transaction, deliveries, newId);
    });
  return {
    'booking.confirmed.v1': notify('booking.confirmed.v1', 'BOOKING_CONFIRMED'),
    'booking.cancelled.v1': notify('booking.cancelled.v1', 'BOOKING_CANCELLED'),
    'waitlist.offered.v1': onMessage(waitlistMessages['waitlist.offered.v1'], (transaction, messages) =>
      insert(
        transaction,
        'WAITLIST_OFFERED',
        messages.map(({ data: { holdId, eventId, userId, seatCount, expiresAt }, ...rest }) => ({
          ...rest,
          data: { bookingId: holdId, eventId, userId, seatCount, expiresAt: new Date(expiresAt), reason: null },
        })),
      ),
    ),
  } satisfies Handlers<typeof bookingMessages & typeof waitlistMessages>;
}

/** What a notification is about. */
type About = Pick<NewNotification, 'bookingId' | 'eventId' | 'userId' | 'seatCount' | 'expiresAt' | 'reason'>;

/** Returns why a booking was cancelled. Null for confirmations, and when no reason was given. */
const reasonOf = (data: object & { cancellationReason?: string | null | undefined }): string | null =>
  data.cancellationReason ?? null;

/** Creates the handler that saves the messages that consumers could not process. */
export const deadLetterHandlers = ({ newId }: { newId: () => string }) => ({
  [DEAD_LETTER]: onData(deadLetter, (transaction, letters) =>
    insertDeadLetters(
      transaction,
      letters.map((letter) => ({ ...letter, id: newId() })),
    ),
  ),
});
