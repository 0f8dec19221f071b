import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor, sqlTime } from '#platform/database/database.ts';
import type { IdPage } from '#platform/graphql/pagination.ts';
import { NOTIFICATION_STATUSES, type Notification, type NotificationStatus } from '../domain/notification.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import type { NotificationDatabase } from './database.ts';

/** Returns the notifications with these ids, in any order. Unknown ids are left out. */
export async function findNotifications(
  database: NotificationDatabase,
  ids: readonly string[],
): Promise<Notification[]> {
  const rows = await database.notification.findMany({ where: { id: { in: [...ids] } } });
  return rows.map(toNotification);
}

/** Returns the notifications of these bookings, oldest first. */
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

/** The filter of a list. A notification must match all conditions that are given. */
export interface NotificationConditions {
  readonly userId?: string | undefined;
  readonly bookingId?: string | undefined;
  readonly status?: NotificationStatus | undefined;
}

export interface NotificationPage extends NotificationConditions {
  readonly page: IdPage;
}

/** Returns one page of notifications, newest first, plus one row if there is a next page. */
export async function listNotifications(
  database: NotificationDatabase,
  wanted: NotificationPage,
): Promise<Notification[]> {
  const [rows = []] = await listNotificationPages(database, [wanted]);
  return rows;
}

/** Returns several pages, like listNotifications, with one statement. */
export async function listNotificationPages(
  database: NotificationDatabase,
  pages: readonly NotificationPage[],
): Promise<Notification[][]> {
  const selects = pages.flatMap((wanted, position) =>
    statusesOf(wanted).map((status) => selectPage(position, { ...wanted, status })),
  );
  const rows = await database.$queryRaw<(Notification & { position: number | bigint })[]>(join(selects, ' UNION ALL '));
  const lists: Notification[][] = pages.map(() => []);
  for (const { position, ...notification } of rows) lists[Number(position)]?.push(notification);
  return lists.map((list, position) =>
    list.sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, (pages[position]?.page.limit ?? 0) + 1),
  );
}

/**
 * Returns the statuses to query separately. An undefined status means all of them. In the index on the user, the status
 * precedes the id, so it returns a user's notifications in list order only for a single status. Lists of all users use
 * another index, and a booking has only a few notifications.
 */
const statusesOf = ({
  userId,
  bookingId,
  status,
}: NotificationConditions): readonly (NotificationStatus | undefined)[] =>
  status !== undefined || userId === undefined || bookingId !== undefined ? [status] : NOTIFICATION_STATUSES;

function selectPage(position: number, { userId, bookingId, status, page: { limit, after } }: NotificationPage): Sql {
  const conditions = [sql`TRUE`];
  if (userId !== undefined) conditions.push(sql`user_id = ${userId}`);
  if (bookingId !== undefined) conditions.push(sql`booking_id = ${bookingId}`);
  if (status !== undefined) conditions.push(sql`status = ${status}`);
  if (after !== undefined) conditions.push(sql`id < ${after[0]}`);
  return sql`(
    SELECT ${position} AS position, ${NOTIFICATION_COLUMNS}
    FROM notifications FORCE INDEX (${indexOf({ userId, bookingId, status })})
    WHERE ${join(conditions, ' AND ')} ORDER BY id DESC LIMIT ${limit + 1})`;
}

/** Returns the index that has the rows in list order. MariaDB would choose another one, and sort or skip rows. */
function indexOf({ userId, bookingId, status }: NotificationConditions): Sql {
  if (bookingId !== undefined) return sql`notifications_booking_id_kind_key`;
  if (userId !== undefined) return sql`notifications_user_id_status_id_idx`;
  return status !== undefined ? sql`notifications_status_id_idx` : sql`PRIMARY`;
}

/** The columns of a notification for raw SQL, named like the properties of Notification. */
export const NOTIFICATION_COLUMNS = columnsOf<Notification>({
  id: sql`notifications.id`,
  bookingId: sql`booking_id AS bookingId`,
  userId: sql`notifications.user_id AS userId`,
  eventId: sql`notifications.event_id AS eventId`,
  seatCount: sql`seat_count AS seatCount`,
  kind: sql`kind`,
  channel: sql`channel`,
  status: sql`notifications.status`,
  attempts: sql`attempts`,
  createdAt: sql`created_at AS createdAt`,
  sentAt: sql`sent_at AS sentAt`,
  expiresAt: sql`expires_at AS expiresAt`,
  requestId: sql`notifications.request_id AS requestId`,
  traceparent: sql`traceparent`,
  reason: sql`reason`,
  changeId: sql`change_id AS changeId`,
});

export type NewNotification = Omit<Notification, 'status' | 'attempts' | 'createdAt' | 'sentAt'>;

/**
 * Adds PENDING notifications. An existing notification of the same booking and kind stays unchanged. Deleted users
 * are left out.
 */
export async function insertNotifications(
  transaction: SqlExecutor,
  notifications: readonly NewNotification[],
): Promise<void> {
  const rows = notifications.map(({ expiresAt, ...row }) => ({ ...row, expiresAt: sqlTime(expiresAt) }));
  await transaction.$executeRaw(sql`
    INSERT INTO notifications
      (id, booking_id, user_id, event_id, seat_count, kind, channel, expires_at, request_id, traceparent, reason, change_id)
    SELECT
      id, booking_id, user_id, event_id, seat_count, kind, channel, expires_at, request_id, traceparent, reason, change_id
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.id',
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.bookingId',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.userId',
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.eventId',
      seat_count INT PATH '$.seatCount',
      kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin PATH '$.kind',
      channel VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$.channel',
      expires_at DATETIME(3) PATH '$.expiresAt',
      request_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.requestId',
      traceparent CHAR(55) CHARACTER SET ascii COLLATE ascii_bin PATH '$.traceparent',
      reason VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.reason',
      change_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.changeId'
    )) AS added
    WHERE NOT EXISTS (SELECT 1 FROM deleted_users WHERE deleted_users.user_id = added.user_id)
    ON DUPLICATE KEY UPDATE booking_id = notifications.booking_id`);
}

/** Counting stops here, which limits its cost. */
const COUNT_MAX = 100_000;

/** Returns the numbers of PENDING and FAILED notifications, each at most COUNT_MAX. */
export async function countOpenNotifications(
  database: NotificationDatabase,
): Promise<Record<'PENDING' | 'FAILED', number>> {
  const counts = (['PENDING', 'FAILED'] as const).map(
    (status) => sql`(
      SELECT COUNT(*) FROM (
        SELECT 1 FROM notifications FORCE INDEX (notifications_status_id_idx) WHERE status = ${status} LIMIT ${COUNT_MAX}
      ) AS counted) AS ${status === 'PENDING' ? sql`pending` : sql`failed`}`,
  );
  const [row] = await database.$queryRaw<{ pending: bigint; failed: bigint }[]>(sql`SELECT ${join(counts)}`);
  return { PENDING: Number(row?.pending), FAILED: Number(row?.failed) };
}

const toNotification = ({ nextAttemptAt: _, ...row }: Prisma.NotificationModel): Notification => ({
  ...row,
  kind: row.kind as Notification['kind'],
  channel: row.channel as Notification['channel'],
  status: row.status as NotificationStatus,
});
