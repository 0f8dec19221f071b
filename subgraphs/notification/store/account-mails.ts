import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlClient, type SqlExecutor, sqlTime } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';
import type { AccountMail } from '../domain/account-mail.ts';
import type { Recipient } from '../domain/delivery.ts';
import { type ContactColumns, toRecipient } from './contacts.ts';

/**
 * Saves mails to send. Of several mails of a user and kind, only the last requested one is kept: it has the token that
 * works. Mails of deleted users are left out.
 */
export async function saveAccountMails(
  transaction: SqlExecutor,
  mails: readonly Omit<AccountMail, 'attempts'>[],
): Promise<void> {
  const rows = mails.map(({ expiresAt, ...mail }) => ({ ...mail, expiresAt: sqlTime(expiresAt) }));
  const newer = sql`VALUES(message_id) > account_mails.message_id`;
  await transaction.$executeRaw(sql`
    INSERT INTO account_mails (user_id, kind, message_id, sealed_token, expires_at, request_id)
    SELECT user_id, kind, message_id, sealed_token, expires_at, request_id
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.userId',
      kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin PATH '$.kind',
      message_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.messageId',
      sealed_token VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PATH '$.sealedToken',
      expires_at DATETIME(3) PATH '$.expiresAt',
      request_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.requestId'
    )) AS mail
    WHERE NOT EXISTS (SELECT 1 FROM deleted_users WHERE deleted_users.user_id = mail.user_id)
    ON DUPLICATE KEY UPDATE
      sealed_token = IF(${newer}, VALUES(sealed_token), account_mails.sealed_token),
      expires_at = IF(${newer}, VALUES(expires_at), account_mails.expires_at),
      attempts = IF(${newer}, 0, account_mails.attempts),
      next_attempt_at = IF(${newer}, CURRENT_TIMESTAMP(3), account_mails.next_attempt_at),
      request_id = IF(${newer}, VALUES(request_id), account_mails.request_id),
      message_id = GREATEST(VALUES(message_id), account_mails.message_id)`);
}

const COLUMNS = columnsOf<AccountMail>({
  userId: sql`account_mails.user_id AS userId`,
  kind: sql`kind`,
  messageId: sql`message_id AS messageId`,
  sealedToken: sql`sealed_token AS sealedToken`,
  expiresAt: sql`expires_at AS expiresAt`,
  attempts: sql`attempts`,
  requestId: sql`request_id AS requestId`,
});

/** A mail that is due. Its recipient may still be unknown to this subgraph. */
export interface DueAccountMail {
  readonly mail: AccountMail;
  readonly recipient: Recipient | undefined;
}

/**
 * Claims up to `limit` due mails whose tokens have not expired, and counts an attempt for each. No other process can
 * claim them for `leaseS` seconds. After a crash they are due again when this lease ends.
 */
export async function claimAccountMails(
  database: SqlClient,
  { limit, leaseS }: { limit: number; leaseS: number },
): Promise<DueAccountMail[]> {
  type Row = AccountMail & ContactColumns;
  const rows = await database.$transaction(async (transaction) => {
    const due = await transaction.$queryRaw<Pick<AccountMail, 'userId' | 'kind'>[]>(sql`
      SELECT user_id AS userId, kind FROM account_mails
      WHERE next_attempt_at <= CURRENT_TIMESTAMP(3) AND expires_at > CURRENT_TIMESTAMP(3)
      ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
    if (due.length === 0) return [];
    const claimed = join(
      due.map(({ userId, kind }) => sql`(account_mails.user_id = ${userId} AND kind = ${kind})`),
      ' OR ',
    );
    await transaction.$executeRaw(sql`
      UPDATE account_mails
      SET attempts = attempts + 1, next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL ${leaseS} SECOND
      WHERE ${claimed}`);
    return transaction.$queryRaw<Row[]>(sql`
      SELECT ${COLUMNS}, contacts.name AS name, contacts.email AS email
      FROM account_mails LEFT JOIN contacts ON contacts.user_id = account_mails.user_id
      WHERE ${claimed}`);
  });
  return rows.map(({ name, email, ...mail }) => ({
    mail,
    recipient: toRecipient({ name, email }),
  }));
}

/** The mail, unless a newer one of the same user and kind has replaced it. */
const isOf = ({ userId, kind, messageId }: AccountMail): Sql =>
  sql`user_id = ${userId} AND kind = ${kind} AND message_id = ${messageId}`;

/** Deletes a mail with its token, when it was sent or cannot be sent. */
export async function deleteAccountMail(database: SqlExecutor, mail: AccountMail): Promise<void> {
  await database.$executeRaw(sql`DELETE FROM account_mails WHERE ${isOf(mail)}`);
}

/** Makes a mail due again after a pause. Changes nothing if the lease has ended and the next attempt has started. */
export async function retryAccountMail(database: SqlExecutor, mail: AccountMail, pauseS: number): Promise<void> {
  await database.$executeRaw(sql`
    UPDATE account_mails SET next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL ${pauseS} SECOND
    WHERE ${isOf(mail)} AND attempts = ${mail.attempts}`);
}

/** Deletes mails whose tokens have expired. */
export const pruneAccountMails =
  (database: SqlExecutor): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM account_mails WHERE expires_at <= CURRENT_TIMESTAMP(3) ORDER BY expires_at LIMIT ${limit}`);
