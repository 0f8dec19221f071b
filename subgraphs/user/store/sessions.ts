import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';
import type { ActiveSession, StoredSession } from '../domain/session.ts';
import type { User } from '../domain/user.ts';
import { lockUser, type UserDatabase, type UserTransaction } from './users.ts';

/**
 * Locks and returns the owner of a refresh token, or null when the token is unknown. The lock serializes changes to one
 * user's sessions, so that they cannot deadlock. Pruning needs no lock: pruning and deleteFamily both delete by primary
 * key, so they cannot deadlock with each other.
 */
export async function lockSessionOwner(transaction: UserTransaction, tokenHash: string): Promise<User | null> {
  const session = await transaction.session.findUnique({ where: { tokenHash }, select: { userId: true } });
  return session === null ? null : lockUser(transaction, session.userId);
}

/** Returns the refresh token's state at the database's current time. The caller must have locked its owner. */
export async function findSession(transaction: UserTransaction, tokenHash: string): Promise<StoredSession | null> {
  type Row = { id: string; family_id: string; used: unknown; expired: unknown };
  const [row] = await transaction.$queryRaw<Row[]>(sql`
    SELECT id, family_id, used_at IS NOT NULL AS used, expires_at <= CURRENT_TIMESTAMP(3) AS expired
    FROM sessions WHERE token_hash = ${tokenHash}`);
  if (row === undefined) return null;
  return { id: row.id, familyId: row.family_id, used: Boolean(row.used), expired: Boolean(row.expired) };
}

interface NewSession {
  readonly id: string;
  readonly familyId: string;
  readonly userId: string;
  readonly tokenHash: string;
  readonly ttlS: number;
}

export async function insertSession(executor: SqlExecutor, session: NewSession): Promise<void> {
  await executor.$executeRaw(sql`
    INSERT INTO sessions (id, family_id, user_id, token_hash, expires_at)
    VALUES (${session.id}, ${session.familyId}, ${session.userId}, ${session.tokenHash},
      CURRENT_TIMESTAMP(3) + INTERVAL ${session.ttlS} SECOND)`);
}

/** Records that the token was exchanged. The row stays until it is pruned, so that a second use is detected. */
export async function markSessionUsed(transaction: UserTransaction, id: string): Promise<void> {
  await transaction.$executeRaw(sql`UPDATE sessions SET used_at = CURRENT_TIMESTAMP(3) WHERE id = ${id}`);
}

/** The number of sessions in the list of a user. */
const SESSIONS_MAX = 100;

/** Returns the sessions of a user that have neither ended nor expired: the last used ones, newest first. */
export const listSessions = async (executor: SqlExecutor, userId: string): Promise<ActiveSession[]> =>
  executor.$queryRaw<ActiveSession[]>(sql`
    SELECT family_id AS id, created_at AS lastUsedAt, expires_at AS expiresAt
    FROM sessions WHERE user_id = ${userId} AND used_at IS NULL AND expires_at > CURRENT_TIMESTAMP(3)
    ORDER BY created_at DESC, id DESC LIMIT ${SESSIONS_MAX}`);

/** Deletes a family of sessions. All its refresh tokens become unknown. */
export async function deleteFamily(transaction: UserTransaction, familyId: string): Promise<void> {
  const rows = await transaction.session.findMany({ where: { familyId }, select: { id: true } });
  await deleteSessions(transaction, rows);
}

const DELETED_AT_ONCE = 1_000;

interface SessionsOfUser {
  readonly userId: string;
  /** Only this session. */
  readonly familyId?: string;
  /** All sessions but this one. */
  readonly exceptFamilyId?: string | undefined;
}

/** Deletes the sessions of a user. The caller must have locked the user. */
export async function deleteSessionsOf(
  transaction: UserTransaction,
  { userId, familyId, exceptFamilyId }: SessionsOfUser,
): Promise<void> {
  const family = { ...(familyId && { equals: familyId }), ...(exceptFamilyId && { not: exceptFamilyId }) };
  while (true) {
    const where = { userId, familyId: family };
    const rows = await transaction.session.findMany({ where, select: { id: true }, take: DELETED_AT_ONCE });
    await deleteSessions(transaction, rows);
    if (rows.length < DELETED_AT_ONCE) return;
  }
}

const deleteSessions = (executor: UserTransaction, rows: readonly { id: string }[]) =>
  executor.session.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } });

/** Deletes sessions that have expired. */
export const pruneExpiredSessions = (database: UserDatabase): Prune =>
  pruneSessions(database, sql`expires_at <= CURRENT_TIMESTAMP(3) ORDER BY expires_at`);

/** Deletes sessions whose token was exchanged over `keepDays` ago. Reusing such a token no longer ends its family. */
export const pruneUsedSessions = (database: UserDatabase, keepDays: number): Prune =>
  pruneSessions(database, sql`used_at < CURRENT_TIMESTAMP(3) - INTERVAL ${keepDays} DAY ORDER BY used_at`);

const pruneSessions =
  (database: UserDatabase, prunable: Sql): Prune =>
  async (limit) => {
    const rows = await database.$queryRaw<{ id: string }[]>(
      sql`SELECT id FROM sessions WHERE ${prunable} LIMIT ${limit}`,
    );
    if (rows.length > 0) await deleteSessions(database, rows);
    return rows.length;
  };
