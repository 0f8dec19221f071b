import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlClient, SqlExecutor } from '#platform/database/database.ts';
import { ATTEMPTS_IN_LOG_MAX, type WebhookAttempt, type WebhookDisabledReason } from '../domain/webhook.ts';
import type { BusyEndpoint, ClaimedDelivery } from '../domain/webhook-delivery.ts';
import { disableWebhooks } from './webhooks.ts';

/**
 * Makes endpoints due in `inMs`, unless they are due earlier. It must follow every change that makes a delivery due, in
 * the same transaction. It waits for a transaction that computes the time anew, and so is never overwritten by it.
 */
export async function markWebhooksDue(transaction: SqlExecutor, ids: readonly string[], inMs = 0): Promise<void> {
  if (ids.length === 0) return;
  const dueAt = sql`CURRENT_TIMESTAMP(3) + INTERVAL ${inMs * 1_000} MICROSECOND`;
  // Without a condition on due_at: the database could check it against a value that is just being replaced.
  await transaction.$executeRaw(sql`
    UPDATE webhooks SET due_at = LEAST(COALESCE(due_at, ${dueAt}), ${dueAt}) WHERE id IN (${join([...new Set(ids)])})`);
}

/**
 * Returns up to `limit` endpoints with due deliveries, longest due first. It reads the endpoints and not the deliveries,
 * so the backlog of one endpoint does not hide the others.
 */
export async function findDueEndpoints(database: SqlExecutor, limit: number): Promise<BusyEndpoint[]> {
  const rows = await database.$queryRaw<{ webhookId: string; isFailing: number | bigint }[]>(sql`
    SELECT id AS webhookId, failing_since IS NOT NULL AS isFailing FROM webhooks FORCE INDEX (webhooks_due_at_idx)
    WHERE due_at <= CURRENT_TIMESTAMP(3) ORDER BY due_at LIMIT ${limit}`);
  return rows.map(({ webhookId, isFailing }) => ({ webhookId, isFailing: Number(isFailing) === 1 }));
}

interface ClaimedRow extends Omit<ClaimedDelivery, 'enabled' | 'sealedSecrets'> {
  readonly enabled: number | bigint | boolean;
}

/**
 * Claims due deliveries of these endpoints, up to the given number of each, and counts an attempt for each. No other
 * process can claim them for `leaseS` seconds. After a crash they are due again when this lease ends.
 */
export async function claimWebhookDeliveries(
  database: SqlClient,
  share: ReadonlyMap<string, number>,
  leaseS: number,
): Promise<ClaimedDelivery[]> {
  return database.$transaction(async (transaction) => {
    // Another process that claims or saves for an endpoint has it locked: this one takes the others.
    const locked = await transaction.$queryRaw<{ id: string }[]>(sql`
      SELECT id FROM webhooks WHERE id IN (${join([...share.keys()])}) ORDER BY id FOR UPDATE SKIP LOCKED`);
    const claimed: string[] = [];
    for (const { id: webhookId } of locked) {
      const limit = share.get(webhookId) ?? 0;
      const due = await transaction.$queryRaw<{ id: string }[]>(sql`
        SELECT id FROM webhook_deliveries
        WHERE status = 'PENDING' AND webhook_id = ${webhookId} AND next_attempt_at <= CURRENT_TIMESTAMP(3)
        ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
      claimed.push(...due.map(({ id }) => id));
    }
    if (claimed.length > 0) {
      await transaction.$executeRaw(sql`
        UPDATE webhook_deliveries
        SET attempts = attempts + 1, next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL ${leaseS} SECOND
        WHERE id IN (${join(claimed)})`);
    }
    for (const { id } of locked) {
      await transaction.$executeRaw(sql`
        UPDATE webhooks SET due_at = (
          SELECT MIN(next_attempt_at) FROM webhook_deliveries WHERE status = 'PENDING' AND webhook_id = ${id})
        WHERE id = ${id}`);
    }
    if (claimed.length === 0) return [];
    const rows = await transaction.$queryRaw<ClaimedRow[]>(sql`
      SELECT webhook_deliveries.id, webhook_id AS webhookId, message_id AS messageId, kind, payload,
        request_id AS requestId, attempts, url, enabled
      FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
      WHERE webhook_deliveries.id IN (${join(claimed)})`);
    const secrets = await transaction.$queryRaw<{ webhookId: string; sealed: string }[]>(sql`
      SELECT webhook_id AS webhookId, sealed FROM webhook_secrets
      WHERE webhook_id IN (${join([...share.keys()])})
        AND (valid_until IS NULL OR valid_until > CURRENT_TIMESTAMP(3))
      ORDER BY id DESC`);
    const byWebhook = Map.groupBy(secrets, ({ webhookId }) => webhookId);
    return rows.map((row) => ({
      ...row,
      enabled: Boolean(Number(row.enabled)),
      sealedSecrets: (byWebhook.get(row.webhookId) ?? []).map(({ sealed }) => sealed),
    }));
  });
}

/** The end of an attempt. `attempt` is null if no request was sent, because the endpoint is off. */
export interface FinishedWebhookAttempt {
  readonly id: string;
  readonly webhookId: string;
  readonly attempts: number;
  readonly attempt: WebhookAttempt | null;
  readonly status: 'PENDING' | 'DELIVERED' | 'FAILED';
  readonly retryInMs: number;
  readonly disable: WebhookDisabledReason | undefined;
}

/**
 * Saves the ends of attempts in one transaction. Changes no delivery whose lease has ended and whose next attempt has
 * started: that attempt then determines the outcome. A success clears the failures of its endpoint. An endpoint is
 * switched off if it asked for that, or if it failed now and all attempts of the last `failingHours` have failed.
 */
export async function saveWebhookAttempts(
  database: SqlClient,
  finished: readonly FinishedWebhookAttempt[],
  failingHours: number,
): Promise<void> {
  if (finished.length === 0) return;
  const rows = finished.map(({ attempt, id, attempts, status, retryInMs }) => ({
    id,
    attempts,
    status,
    retryInMs,
    startedAt: attempt?.startedAt.toISOString() ?? null,
    durationMs: attempt?.durationMs ?? null,
    statusCode: attempt?.statusCode ?? null,
    error: attempt?.error ?? null,
  }));
  await database.$transaction(async (transaction) => {
    // The order of the tables is fixed: a scan of the deliveries would wait for rows that other transactions have locked.
    await transaction.$executeRaw(sql`
      UPDATE JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
        id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.id',
        attempts INT PATH '$.attempts',
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$.status',
        retry_in_ms BIGINT PATH '$.retryInMs',
        started_at VARCHAR(24) CHARACTER SET utf8mb4 PATH '$.startedAt',
        duration_ms INT PATH '$.durationMs',
        status_code INT PATH '$.statusCode',
        error VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.error'
      )) AS ended
      STRAIGHT_JOIN webhook_deliveries FORCE INDEX (PRIMARY) ON webhook_deliveries.id = ended.id
      SET webhook_deliveries.log = IF(ended.started_at IS NULL, log, JSON_ARRAY_APPEND(
          IF(JSON_LENGTH(log) < ${ATTEMPTS_IN_LOG_MAX}, log, JSON_REMOVE(log, '$[0]')), '$',
          JSON_OBJECT('startedAt', ended.started_at, 'durationMs', ended.duration_ms,
            'statusCode', ended.status_code, 'error', ended.error))),
        webhook_deliveries.status = ended.status,
        webhook_deliveries.delivered_at = IF(ended.status = 'DELIVERED', CURRENT_TIMESTAMP(3), NULL),
        webhook_deliveries.next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL ended.retry_in_ms * 1000 MICROSECOND
      WHERE webhook_deliveries.attempts = ended.attempts AND webhook_deliveries.status = 'PENDING'`);
    // All at once and in order, so that no two transactions wait for each other.
    await transaction.$queryRaw(sql`
      SELECT id FROM webhooks WHERE id IN (${join([...new Set(finished.map(({ webhookId }) => webhookId))])})
      ORDER BY id FOR UPDATE`);
    const retried = finished.filter(({ status }) => status === 'PENDING');
    await markWebhooksDue(
      transaction,
      retried.map(({ webhookId }) => webhookId),
      Math.min(...retried.map(({ retryInMs }) => retryInMs)),
    );
    const idsOf = (isWanted: (one: FinishedWebhookAttempt) => boolean) => [
      ...new Set(finished.filter(isWanted).map(({ webhookId }) => webhookId)),
    ];
    const succeeded = idsOf(({ status }) => status === 'DELIVERED');
    if (succeeded.length > 0) {
      await transaction.$executeRaw(sql`
        UPDATE webhooks SET failing_since = NULL WHERE id IN (${join(succeeded)}) AND failing_since IS NOT NULL`);
    }
    const failed = idsOf(({ status, attempt }) => status !== 'DELIVERED' && attempt !== null).filter(
      (id) => !succeeded.includes(id),
    );
    await disableWebhooks(
      transaction,
      idsOf(({ disable }) => disable === 'GONE'),
      'GONE',
    );
    await disableWebhooks(transaction, await failingTooLong(transaction, failed, failingHours), 'FAILING');
  });
}

/** Notes the failure of these endpoints. Returns those that have failed for `hours`. */
async function failingTooLong(transaction: SqlExecutor, ids: readonly string[], hours: number): Promise<string[]> {
  if (ids.length === 0) return [];
  await transaction.$executeRaw(sql`
    UPDATE webhooks SET failing_since = CURRENT_TIMESTAMP(3) WHERE id IN (${join([...ids])}) AND failing_since IS NULL`);
  const rows = await transaction.$queryRaw<{ id: string }[]>(sql`
    SELECT id FROM webhooks
    WHERE id IN (${join([...ids])}) AND failing_since <= CURRENT_TIMESTAMP(3) - INTERVAL ${hours} HOUR`);
  return rows.map(({ id }) => id);
}
