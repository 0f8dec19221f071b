import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as newId } from 'uuid';
import { describe, expect } from 'vitest';
import { prismaAdapter } from '#platform/database/database.ts';
import { PrismaClient } from '../../subgraphs/notification/generated/prisma/client.ts';
import {
  claimAccountMails,
  deleteAccountMail,
  pruneAccountMails,
  retryAccountMail,
  saveAccountMails,
} from '../../subgraphs/notification/store/account-mails.ts';
import { saveContacts } from '../../subgraphs/notification/store/contacts.ts';
import {
  findDeadLetter,
  findWaitingDeadLetters,
  insertDeadLetters,
  listDeadLetters,
  markRedriven,
} from '../../subgraphs/notification/store/dead-letters.ts';
import { pruneDeletedUsers, saveDeletedUsers } from '../../subgraphs/notification/store/deleted-users.ts';
import {
  claimDeliveries,
  markAttemptFailed,
  markPostponed,
  markSent,
} from '../../subgraphs/notification/store/deliveries.ts';
import {
  findEventChanges,
  findLaterChanges,
  findUsersToTell,
  lockDueChange,
  saveEventBookings,
  saveEventChanges,
  saveProgress,
} from '../../subgraphs/notification/store/event-changes.ts';
import { saveEventDetails } from '../../subgraphs/notification/store/event-details.ts';
import {
  findFailedNotifications,
  resetFailedNotifications,
} from '../../subgraphs/notification/store/failed-notifications.ts';
import {
  countOpenNotifications,
  findNotifications,
  findNotificationsOf,
  listNotificationPages,
  listNotifications,
  type NotificationPage,
} from '../../subgraphs/notification/store/notifications.ts';
import {
  pruneDeadLetters,
  pruneEventDetails,
  pruneNotifications,
  pruneOldEventChanges,
  pruneUnassignedMessages,
  pruneWebhookDeliveries,
} from '../../subgraphs/notification/store/retention.ts';
import {
  countWaitingWebhooks,
  findWebhookDelivery,
  listWebhookDeliveryPages,
  resetWebhookDelivery,
} from '../../subgraphs/notification/store/webhook-deliveries.ts';
import {
  assignMessages,
  deliverBookingsToWebhooks,
  findUnknownEvents,
} from '../../subgraphs/notification/store/webhook-messages.ts';
import { claimWebhookNotices, saveWebhookNotice } from '../../subgraphs/notification/store/webhook-notices.ts';
import {
  claimWebhookDeliveries,
  findDueEndpoints,
  saveWebhookAttempts,
} from '../../subgraphs/notification/store/webhook-queue.ts';
import { expireWebhookSecrets, insertWebhookSecret } from '../../subgraphs/notification/store/webhook-secrets.ts';
import {
  countDisabledWebhooks,
  deleteWebhookRows,
  disableWebhooks,
  findWebhooksOf,
  lockOwner,
  lockWebhook,
  saveWebhook,
} from '../../subgraphs/notification/store/webhooks.ts';
import { addNotifications, addWebhook } from '../../subgraphs/notification/testing.ts';
import { testPlans } from './support/plans.ts';
import { EVENTS, idOf, idSql } from './support/rows.ts';

const ROWS = EVENTS;
const LIMIT = 100;
const BUSY = idOf(0);
const MIDDLE = idOf(ROWS / 2);
const CLAIMED = 100;
const ENDPOINTS = 100;

let database: PrismaClient;

const page = (after?: string) => ({ limit: LIMIT, after: after === undefined ? after : ([after] as const) });
const list = (wanted: Omit<NotificationPage, 'page'>, after?: string) => ({
  isList: true,
  run: () => listNotifications(database, { ...wanted, page: page(after) }),
});
const deadLetters = (after?: string) => ({ isList: true, run: () => listDeadLetters(database, page(after)) });

describe(`the statements of the notification subgraph, with ${ROWS} notifications`, () => {
  testPlans('notification', {
    async makeRows({ fill }) {
      await fill('notifications', ROWS, {
        id: idSql('n'),
        booking_id: idSql('n'),
        user_id: idSql(`IF(n % 4 = 0, 0, n % ${ROWS / 4})`),
        event_id: idSql('0'),
        seat_count: '1',
        kind: "'BOOKING_CONFIRMED'",
        channel: "'LOG'",
        status: `IF(n < 50, 'FAILED', IF(n >= ${ROWS - 500}, 'PENDING', 'SENT'))`,
      });
      await fill('contacts', ROWS, { user_id: idSql('n'), name: "'Ada'", email: "'ada@example.com'" });
      await fill('event_facts', ROWS, {
        event_id: idSql('n'),
        name: "'Concert'",
        starts_at: "TIMESTAMP('2031-01-01')",
        version: '1',
        organizer_id: idSql('n % 100'),
      });
      await fill('webhooks', ENDPOINTS, {
        id: idSql('n'),
        user_id: idSql('n'),
        url: "CONCAT('https://example.com/', n)",
        kinds: "'BOOKING_CONFIRMED'",
        due_at: "TIMESTAMP('2020-01-01')",
      });
      await fill('webhook_secrets', ENDPOINTS, { id: idSql('n'), webhook_id: idSql('n'), sealed: "'sealed'" });
      await fill('webhook_deliveries', ROWS, {
        // The first thousand are old, the others sort after all ids of today.
        id: `IF(n < 1000, ${idSql('n')}, INSERT(${idSql('n')}, 1, 1, 'f'))`,
        webhook_id: idSql(`IF(n % 4 = 0, 0, n % ${ENDPOINTS})`),
        message_id: idSql('n'),
        kind: "'BOOKING_CONFIRMED'",
        payload: "'{}'",
        status: `IF(n >= ${ROWS / 2}, 'PENDING', 'DELIVERED')`,
        log: "'[]'",
      });
      await fill('event_bookings', ROWS, {
        event_id: idSql('n % 2'),
        user_id: idSql('n'),
        booking_id: idSql('n'),
        seat_count: '1',
        confirmed_at: "TIMESTAMP('2026-01-01')",
        is_cancelled: 'n % 10 = 0',
      });
      await fill('event_changes', ROWS, {
        id: idSql('n'),
        event_id: idSql('n'),
        starts_at: "TIMESTAMP('2031-01-01')",
        previous_starts_at: "TIMESTAMP('2031-01-01')",
        changed_at: "IF(n < 100, TIMESTAMP('2020-01-01'), TIMESTAMP('2037-01-01'))",
        due_at: "IF(n = 0, TIMESTAMP('2026-01-01'), NULL)",
      });
      await fill('dead_letters', ROWS, {
        id: idSql('n'),
        consumer: "'notification-bookings'",
        subject: "'booking.confirmed.v1'",
        payload: "'{}'",
        reason: "'a reason'",
        deliveries: '5',
      });
      await fill('account_mails', ROWS, {
        user_id: idSql('n'),
        kind: "'PASSWORD_RESET'",
        message_id: idSql('n'),
        sealed_token: "'sealed'",
        expires_at: 'CURRENT_TIMESTAMP(3) + INTERVAL IF(n % 10 = 0, -1, 20) DAY',
        next_attempt_at: "IF(n < 200, TIMESTAMP('2020-01-01'), TIMESTAMP('2037-01-01'))",
      });
      await fill('deleted_users', ROWS, {
        user_id: idSql(`n + ${ROWS}`),
        received_at: "TIMESTAMP('2020-01-01')",
      });
    },
    open(pool) {
      database = new PrismaClient({ adapter: prismaAdapter(pool) });
    },
    cases: {
      'the first page of all notifications': list({}),
      'a middle page of all notifications': list({}, MIDDLE),
      'all failed notifications, which are few and old': list({ status: 'FAILED' }),
      'a middle page of all sent notifications': list({ status: 'SENT' }, MIDDLE),
      'the first page of a user': list({ userId: BUSY }),
      'a middle page of a user': list({ userId: BUSY }, MIDDLE),
      'failed notifications of a user': list({ userId: BUSY, status: 'FAILED' }),
      'notifications of a booking': list({ bookingId: idOf(4) }),
      'notifications of a booking of a user': list({ userId: BUSY, bookingId: idOf(4) }),
      'sent notifications of a booking': list({ bookingId: idOf(4), status: 'SENT' }),
      'the first page of dead letters': deadLetters(),
      'a middle page of dead letters': deadLetters(MIDDLE),
      'the pages of many users at once': {
        readsMax: 15_000,
        run: () =>
          listNotificationPages(
            database,
            Array.from({ length: 100 }, (_, n) => ({ userId: idOf(n), page: { limit: 20, after: undefined } })),
          ),
      },
      'notifications by their ids and by their bookings': {
        readsMax: 10_000,
        async run() {
          const ids = Array.from({ length: 1_000 }, (_, n) => idOf(n * 7));
          expect(await findNotifications(database, ids)).toHaveLength(1_000);
          expect(await findNotificationsOf(database, ids)).toHaveLength(1_000);
        },
      },
      'saving notifications, contacts and events': {
        async run() {
          const userId = newId();
          const eventId = newId();
          await addNotifications(database, [{ userId, eventId, channel: 'EMAIL' }]);
          await database.$transaction(async (transaction) => {
            await saveContacts(transaction, [{ userId, name: 'Ada', email: 'ada@example.com' }]);
            const startsAt = new Date('2031-01-01T00:00:00.000Z');
            await saveEventDetails(transaction, [
              {
                eventId,
                name: 'Concert',
                venue: null,
                startsAt,
                status: 'SCHEDULED',
                version: 1,
                organizerId: eventId,
              },
            ]);
          });
        },
      },
      'changes of events: saving, telling a page of users, and telling users whose bookings arrive late': {
        readsMax: 5_000,
        async run() {
          const change = await database.$transaction(async (transaction) => {
            const due = await lockDueChange(transaction);
            if (due === undefined) throw new Error('no change is due');
            expect(await findUsersToTell(transaction, { ...due, changedAt: new Date() }, 500)).toHaveLength(500);
            await saveProgress(transaction, due, idOf(500));
            return due;
          });
          await saveProgress(database, change, undefined);
          await saveEventChanges(database, [{ ...change, id: newId() }]);
          const late = {
            eventId: idOf(900),
            userId: newId(),
            bookingId: newId(),
            seatCount: 1,
            confirmedAt: new Date(),
          };
          await saveEventBookings(database, [late]);
          expect(await findLaterChanges(database, [late])).toMatchObject([{ change: { id: idOf(900) } }]);
          expect(await findEventChanges(database, [idOf(900)])).toHaveLength(1);
        },
      },
      'deliveries: claiming, postponing, marking as sent or failed, and retrying': {
        async run() {
          const claimed = await claimDeliveries(database, { channel: 'LOG', limit: CLAIMED, leaseS: 60 });
          const ids = claimed.map(({ notification }) => notification.id);
          expect(ids).toHaveLength(CLAIMED);
          await markPostponed(database, ids.slice(1, 2), 1);
          await markSent(database, ids.slice(2));
          await markAttemptFailed(database, ids.slice(0, 1), { attempts: 1, outcome: { status: 'FAILED' } });
          expect(await resetFailedNotifications(database, ids.slice(0, 1))).toBe(1);
        },
      },
      'finding failed notifications to retry': {
        async run() {
          const filter = { kind: 'BOOKING_CONFIRMED', eventId: BUSY, userId: BUSY } as const;
          const times = { createdFrom: new Date(0), createdBefore: new Date() };
          const limit = 1_000;
          const request = { filter: { ...filter, ...times, channel: undefined }, limit };
          expect(await findFailedNotifications(database, 'LOG', request)).not.toEqual([]);
        },
      },
      'counting open notifications': {
        readsMax: 2_000,
        async run() {
          const counts = await countOpenNotifications(database);
          expect(counts.PENDING).toBeGreaterThan(300);
          expect(counts.FAILED).toBeGreaterThan(40);
        },
      },
      'a dead letter: inserting, finding and redriving': {
        async run() {
          const letter = {
            consumer: 'test',
            subject: 'test',
            payload: Buffer.from('{}'),
            reason: 'none',
            deliveries: 5,
          };
          const id = newId();
          await database.$transaction((transaction) => insertDeadLetters(transaction, [{ id, ...letter }]));
          expect(await findDeadLetter(database, id)).not.toBeNull();
          await markRedriven(database, [id]);
          const filter = { consumer: undefined, subject: undefined, createdFrom: undefined, createdBefore: undefined };
          const [letters, hasMore] = await findWaitingDeadLetters(database, { filter, limit: 10 });
          expect([letters.length, hasMore]).toEqual([10, true]);
        },
      },
      'mails with tokens: saving, claiming, retrying and deleting': {
        async run() {
          const expiresAt = new Date('2037-01-01T00:00:00.000Z');
          const added = { userId: newId(), kind: 'PASSWORD_RESET', messageId: newId(), sealedToken: 'sealed' } as const;
          await saveAccountMails(database, [{ ...added, expiresAt, requestId: null }]);
          const claimed = await claimAccountMails(database, { limit: 3, leaseS: 60 });
          const [first, second] = claimed.map(({ mail }) => mail);
          if (first === undefined || second === undefined) throw new Error('no mail is due');
          await retryAccountMail(database, first, 60);
          await deleteAccountMail(database, second);
        },
      },
      'forgetting deleted users, and again': {
        async run() {
          await saveDeletedUsers(database, [idOf(7), idOf(9)]);
          await pruneDeletedUsers(database)(1_000);
        },
      },
      'pruning of mails with expired tokens': {
        readsMax: 5_000,
        run: async () => expect(await pruneAccountMails(database)(1_000)).toBe(1_000),
      },
      'a page of deliveries to a webhook': {
        isList: true,
        run: () => listWebhookDeliveryPages(database, [{ webhookId: BUSY, page: page(`f${MIDDLE.slice(1)}`) }]),
      },
      'the endpoints of a user: creating, changing, rotating, switching off and deleting': {
        async run() {
          const userId = newId();
          const { id } = await addWebhook(database, { userId });
          await database.$transaction(async (transaction) => {
            await lockOwner(transaction, userId);
            const webhook = await lockWebhook(transaction, id);
            if (webhook === undefined) throw new Error('no endpoint');
            await saveWebhook(transaction, webhook);
            for (let turn = 0; turn < 6; turn += 1) {
              await expireWebhookSecrets(transaction, id, 24);
              await insertWebhookSecret(transaction, { id: newId(), webhookId: id, sealed: 'sealed' });
            }
            await disableWebhooks(transaction, [id], 'GONE');
          });
          expect(await findWebhooksOf(database, [userId])).toMatchObject([{ disabledReason: 'GONE' }]);
          expect((await countDisabledWebhooks(database)).GONE).toBeGreaterThan(0);
          const [notice] = await claimWebhookNotices(database, { limit: 5, leaseS: 60 });
          if (notice === undefined) throw new Error('no notice');
          await saveWebhookNotice(database, notice, 1_000);
          await saveWebhookNotice(database, notice, null);
          await database.$transaction((transaction) => deleteWebhookRows(transaction, id));
        },
      },
      'messages for webhooks': {
        async run() {
          const message = { messageId: newId(), kind: 'BOOKING_CONFIRMED', payload: '{}', requestId: null } as const;
          const [unknown, later] = [newId(), newId()];
          await database.$transaction((transaction) =>
            deliverBookingsToWebhooks(
              transaction,
              [
                { ...message, eventId: idOf(1) },
                { ...message, messageId: later, eventId: unknown },
              ],
              newId,
            ),
          );
          expect(await findUnknownEvents(database, 0, 100)).toContain(unknown);
          const startsAt = new Date('2031-01-01T00:00:00.000Z');
          const facts = {
            eventId: unknown,
            name: 'Concert',
            venue: null,
            startsAt,
            version: 1,
            organizerId: idOf(1),
            status: 'SCHEDULED' as const,
          };
          await database.$transaction((transaction) => saveEventDetails(transaction, [facts]));
          expect(await database.$transaction((transaction) => assignMessages(transaction, 100, newId))).toBe(1);
        },
      },
      'deliveries to webhooks: finding, claiming, saving and redelivering': {
        async run() {
          const due = await findDueEndpoints(database, 100);
          expect(due.length).toBeGreaterThan(50);
          const share = new Map(due.slice(0, 10).map(({ webhookId }) => [webhookId, 5]));
          const claimed = await claimWebhookDeliveries(database, share, 60);
          expect(claimed.length).toBeGreaterThan(30);
          const attempt = { startedAt: new Date(), durationMs: 1, statusCode: 500, error: 'STATUS_500' };
          const end = { attempt, retryInMs: 1_000, disable: undefined };
          const finished = claimed.map(({ id, webhookId, attempts }, index) => {
            const status = index % 2 === 0 ? ('DELIVERED' as const) : ('PENDING' as const);
            return { ...end, id, webhookId, attempts, status };
          });
          await saveWebhookAttempts(database, finished.slice(0, 25), 24);
          await saveWebhookAttempts(
            database,
            finished.slice(25).filter(({ status }) => status === 'PENDING'),
            24,
          );
          const [first] = claimed;
          expect((await findWebhookDelivery(database, first?.id ?? ''))?.delivery.log).toHaveLength(1);
          await resetWebhookDelivery(database, { id: first?.id ?? '', webhookId: first?.webhookId ?? '' });
        },
      },
      'counting waiting deliveries to webhooks': {
        readsMax: 2 * ROWS,
        run: () => countWaitingWebhooks(database),
      },
      'pruning of old rows': {
        readsMax: 15_000,
        async run() {
          await database.$executeRaw(sql`
            UPDATE dead_letters SET redriven_at = TIMESTAMP('2020-01-01') WHERE id < ${idOf(100)}`);
          // The first two events have so many bookings that the facts would be left for later.
          await database.$executeRaw(sql`
            UPDATE event_facts SET starts_at = TIMESTAMP('2020-01-01')
            WHERE event_id > ${idOf(1)} AND event_id < ${idOf(100)}`);
          const old = [
            ...[pruneDeadLetters, pruneOldEventChanges, pruneEventDetails, pruneNotifications],
            pruneWebhookDeliveries,
          ];
          for (const prune of old) expect(await prune(database, 90)(1_000)).toBeGreaterThan(0);
          await pruneUnassignedMessages(database, 90)(1_000);
          // No old deliveries are left, only those of a deleted endpoint.
          await database.webhook.delete({ where: { id: BUSY } });
          expect(await pruneWebhookDeliveries(database, 90)(1_000)).toBe(1_000);
        },
      },
    },
  });
});
