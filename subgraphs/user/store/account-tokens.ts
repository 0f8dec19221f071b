import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';

/** What a token from a mail is for. */
export type TokenKind = 'PASSWORD_RESET' | 'EMAIL_VERIFICATION';

interface StoredToken {
  readonly kind: TokenKind;
  readonly tokenHash: string;
}

/** Saves a token in place of the user's earlier one of the same kind. Returns false when there is no such user. */
export async function saveToken(
  transaction: SqlExecutor,
  { userId, kind, tokenHash, ttlS }: StoredToken & { userId: string; ttlS: number },
): Promise<boolean> {
  const count = await transaction.$executeRaw(sql`
    INSERT INTO account_tokens (user_id, kind, token_hash, expires_at)
    SELECT users.id, ${kind}, ${tokenHash}, CURRENT_TIMESTAMP(3) + INTERVAL ${ttlS} SECOND
    FROM users WHERE users.id = ${userId} AND users.deleted_at IS NULL
    ON DUPLICATE KEY UPDATE token_hash = VALUES(token_hash), expires_at = VALUES(expires_at)`);
  return count > 0;
}

/** Returns the id of the user whose token this is. Null when the token is unknown or has expired. */
export async function findTokenOwner(executor: SqlExecutor, { kind, tokenHash }: StoredToken): Promise<string | null> {
  const [row] = await executor.$queryRaw<{ userId: string }[]>(sql`
    SELECT user_id AS userId FROM account_tokens
    WHERE token_hash = ${tokenHash} AND kind = ${kind} AND expires_at > CURRENT_TIMESTAMP(3)`);
  return row?.userId ?? null;
}

/** Uses a token up. Of several transactions with one token, it returns true in exactly one. */
export async function takeToken(transaction: SqlExecutor, { kind, tokenHash }: StoredToken): Promise<boolean> {
  const count = await transaction.$executeRaw(sql`
    DELETE FROM account_tokens
    WHERE token_hash = ${tokenHash} AND kind = ${kind} AND expires_at > CURRENT_TIMESTAMP(3)`);
  return count > 0;
}

/** Deletes the tokens of a user. The caller must have locked the user. */
export async function deleteTokensOf(transaction: SqlExecutor, userId: string): Promise<void> {
  await transaction.$executeRaw(sql`DELETE FROM account_tokens WHERE user_id = ${userId}`);
}

/** Deletes tokens that have expired. */
export const pruneTokens =
  (database: SqlExecutor): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM account_tokens WHERE expires_at <= CURRENT_TIMESTAMP(3) ORDER BY expires_at LIMIT ${limit}`);
