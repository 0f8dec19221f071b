import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { Page } from '#platform/pagination.ts';
import type { Notification, NotificationStatus } from '../domain/notification.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import type { NotificationDatabase, NotificationTransaction } from './database.ts';

/** The position of a notification in lists, which are newest first: ids are UUIDv7. */
export type NotificationKey = readonly [id: string];
export const notificationKeyOf = ({ id }: Notification): NotificationKey => [id];

/** The notifications that exist among these. */
export async function findNotifications(
  database: NotificationDatabase,
  ids: readonly string[],
): Promise<Notification[]> {
  const rows = await database.notification.findMany({ where: { id: { in: [...ids] } } });
  return rows.map(toNotification);
}

/** The notifications of these bookings, oldest first. */
export async function findNotificationsOf(
  database: NotificationDatabase,
  bookingIds: readonly string[],
): Promise<Notification[]> {
  const rows = await database.notification.findMany({
    where: { bookingId: { in: [...bookingIds] } },
    orderBy: { id: 'asc' },
  });
  return rows.map(toNotification);
}

export interface NotificationConditions {
  readonly userId?: string | undefined;
  readonly bookingId?: string | undefined;
  readonly status?: NotificationStatus | undefined;
}

/** One page of notifications, newest first, and one row more when there are more. */
export async function listNotifications(
  database: NotificationDatabase,
  { limit, after }: Page<NotificationKey>,
  { userId, bookingId, status }: NotificationConditions,
): Promise<Notification[]> {
  const rows = await database.notification.findMany({
    where: {
      ...(userId !== undefined && { userId }),
      ...(bookingId !== undefined && { bookingId }),
      ...(status !== undefined && { status }),
      ...(after !== undefined && { id: { lt: after[0] } }),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return rows.map(toNotification);
}

/** Whose notifications a page lists. */
export interface NotificationPage {
  readonly userId: string;
  readonly page: Page<NotificationKey>;
}

/** The pages of several users, newest first, in one statement that reads no row too many. */
export async function listNotificationsOf(
  database: NotificationDatabase,
  pages: readonly NotificationPage[],
): Promise<Notification[][]> {
  const selects = pages.map(({ userId, page: { limit, after } }, position) => {
    const isAfter = after === undefined ? sql`TRUE` : sql`id < ${after[0]}`;
    return sql`(
      SELECT ${position} AS position, ${NOTIFICATION_COLUMNS}
      FROM notifications WHERE user_id = ${userId} AND ${isAfter} ORDER BY id DESC LIMIT ${limit + 1})`;
  });
  const rows = await database.$queryRaw<(Notification & { position: number | bigint })[]>(join(selects, ' UNION ALL '));
  const lists: Notification[][] = pages.map(() => []);
  for (const { position, ...notification } of rows) lists[Number(position)]?.push(notification);
  for (const list of lists) list.sort((one, other) => (one.id < other.id ? 1 : -1));
  return lists;
}

/** A notification's columns under its own names, for raw SQL. */
export const NOTIFICATION_COLUMNS = sql`
  notifications.id, booking_id AS bookingId, notifications.user_id AS userId, notifications.event_id AS eventId,
  seat_count AS seatCount, kind, channel, status, attempts, created_at AS createdAt, sent_at AS sentAt`;

export type NewNotification = Omit<Notification, 'status' | 'attempts' | 'createdAt' | 'sentAt'>;

/** Adds PENDING notifications; one that its booking has already, of the same kind, stays as it is. */
export async function insertNotifications(
  transaction: NotificationTransaction,
  notifications: readonly NewNotification[],
): Promise<void> {
  await transaction.$executeRaw(sql`
    INSERT INTO notifications (id, booking_id, user_id, event_id, seat_count, kind, channel)
    SELECT id, booking_id, user_id, event_id, seat_count, kind, channel
    FROM JSON_TABLE(${JSON.stringify(notifications)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.id',
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.bookingId',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.userId',
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.eventId',
      seat_count INT PATH '$.seatCount',
      kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin PATH '$.kind',
      channel VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$.channel'
    )) AS added
    ON DUPLICATE KEY UPDATE booking_id = notifications.booking_id`);
}

/** How many there are still to deliver. */
export const countPendingNotifications = (database: NotificationDatabase): Promise<number> =>
  database.notification.count({ where: { status: 'PENDING' } });

const toNotification = ({ nextAttemptAt: _, ...row }: Prisma.NotificationModel): Notification => ({
  ...row,
  kind: row.kind as Notification['kind'],
  channel: row.channel as Notification['channel'],
  status: row.status as NotificationStatus,
});
