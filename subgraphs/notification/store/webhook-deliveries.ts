import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor } from '#platform/database/database.ts';
import type { IdPage } from '#platform/graphql/pagination.ts';
import type { WebhookAttempt, WebhookDelivery, WebhookDeliveryStatus, WebhookKind } from '../domain/webhook.ts';
import type { NotificationDatabase } from './database.ts';
import { markWebhooksDue } from './webhook-queue.ts';

export interface WebhookDeliveryPage {
  readonly webhookId: string;
  readonly page: IdPage;
}

interface DeliveryRow extends Omit<WebhookDelivery, 'log' | 'nextAttemptAt'> {
  readonly webhookId: string;
  readonly nextAttemptAt: Date;
  readonly log: string;
}

const COLUMNS = columnsOf<DeliveryRow>({
  id: sql`id`,
  webhookId: sql`webhook_id AS webhookId`,
  messageId: sql`message_id AS messageId`,
  kind: sql`kind`,
  status: sql`status`,
  attempts: sql`attempts`,
  nextAttemptAt: sql`next_attempt_at AS nextAttemptAt`,
  createdAt: sql`created_at AS createdAt`,
  deliveredAt: sql`delivered_at AS deliveredAt`,
  log: sql`log`,
});

/** Returns several pages of deliveries with one statement, each newest first, plus one row if there is a next page. */
export async function listWebhookDeliveryPages(
  database: NotificationDatabase,
  pages: readonly WebhookDeliveryPage[],
): Promise<WebhookDelivery[][]> {
  const selects = pages.map(({ webhookId, page: { limit, after } }, position): Sql => {
    const behind = after === undefined ? sql`TRUE` : sql`id < ${after[0]}`;
    return sql`(
      SELECT ${position} AS position, ${COLUMNS}
      FROM webhook_deliveries FORCE INDEX (webhook_deliveries_webhook_id_id_idx)
      WHERE webhook_id = ${webhookId} AND ${behind} ORDER BY id DESC LIMIT ${limit + 1})`;
  });
  const rows = await database.$queryRaw<(DeliveryRow & { position: number | bigint })[]>(join(selects, ' UNION ALL '));
  const lists: WebhookDelivery[][] = pages.map(() => []);
  for (const { position, ...row } of rows) lists[Number(position)]?.push(toDelivery(row));
  return lists.map((list) => list.sort((one, other) => (one.id < other.id ? 1 : -1)));
}

/** Returns a delivery and the id of its endpoint, or undefined. */
export async function findWebhookDelivery(
  database: SqlExecutor,
  id: string,
): Promise<{ webhookId: string; delivery: WebhookDelivery } | undefined> {
  const [row] = await database.$queryRaw<DeliveryRow[]>(sql`
    SELECT ${COLUMNS} FROM webhook_deliveries WHERE id = ${id}`);
  return row && { webhookId: row.webhookId, delivery: toDelivery(row) };
}

/** Makes a delivery PENDING and due now, whatever its status. All its attempts begin anew. */
export async function resetWebhookDelivery(
  transaction: SqlExecutor,
  { id, webhookId }: { id: string; webhookId: string },
): Promise<void> {
  await transaction.$executeRaw(sql`
    UPDATE webhook_deliveries
    SET status = 'PENDING', attempts = 0, next_attempt_at = CURRENT_TIMESTAMP(3), delivered_at = NULL
    WHERE id = ${id}`);
  await markWebhooksDue(transaction, [webhookId]);
}

/** Counting stops here, which limits its cost. */
const COUNT_MAX = 100_000;

/** Returns the number of PENDING deliveries and of messages whose organizer is not known, each at most COUNT_MAX. */
export async function countWaitingWebhooks(database: SqlExecutor): Promise<{ deliveries: number; unassigned: number }> {
  const [row] = await database.$queryRaw<{ deliveries: bigint; unassigned: bigint }[]>(sql`
    SELECT (SELECT COUNT(*) FROM (
        SELECT 1 FROM webhook_deliveries WHERE status = 'PENDING' LIMIT ${COUNT_MAX}) AS pending) AS deliveries,
      (SELECT COUNT(*) FROM (SELECT 1 FROM unassigned_messages LIMIT ${COUNT_MAX}) AS waiting) AS unassigned`);
  return { deliveries: Number(row?.deliveries), unassigned: Number(row?.unassigned) };
}

const toDelivery = ({ webhookId: _, nextAttemptAt, log, ...row }: DeliveryRow): WebhookDelivery => ({
  ...row,
  kind: row.kind as WebhookKind,
  status: row.status as WebhookDeliveryStatus,
  nextAttemptAt: row.status === 'PENDING' ? nextAttemptAt : null,
  log: (JSON.parse(log) as (Omit<WebhookAttempt, 'startedAt'> & { startedAt: string })[]).map((attempt) => ({
    ...attempt,
    startedAt: new Date(attempt.startedAt),
  })),
});
