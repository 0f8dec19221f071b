import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor } from '#platform/database/database.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import type { IdPage } from '#platform/graphql/pagination.ts';
import type { Role } from '#platform/identity/identity.ts';
import type { User } from '../domain/user.ts';
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';

export type UserDatabase = PrismaClient;
export type UserTransaction = Prisma.TransactionClient;

const USER_COLUMNS = columnsOf<User>({
  id: sql`id`,
  name: sql`name`,
  email: sql`email`,
  role: sql`role`,
  createdAt: sql`created_at AS createdAt`,
  emailVerifiedAt: sql`email_verified_at AS emailVerifiedAt`,
  deletedAt: sql`deleted_at AS deletedAt`,
});

/** A user and the hash of their password. */
export interface Credentials {
  readonly user: User;
  readonly passwordHash: string;
}

/** Returns the users with these ids, in any order. Unknown ids are left out. */
export const findUsers = async (executor: SqlExecutor, ids: readonly string[]): Promise<User[]> =>
  ids.length === 0
    ? []
    : executor.$queryRaw<User[]>(sql`SELECT ${USER_COLUMNS} FROM users WHERE id IN (${join([...ids])})`);

/** Returns one page of the users who are not deleted, newest first, plus one row if there is a next page. */
export async function listUsers(database: UserDatabase, { limit, after }: IdPage): Promise<User[]> {
  const rows = await database.user.findMany({
    where: { deletedAt: null, ...(after && { id: { lt: after[0] } }) },
    orderBy: { id: 'desc' },
    take: limit + 1,
    omit: { passwordHash: true },
  });
  return rows.map(toUser);
}

/** Returns the user with this e-mail, which must be in lower case, and the hash of their password. */
export const findCredentials = async (database: UserDatabase, email: string): Promise<Credentials | null> =>
  toCredentials(await database.user.findUnique({ where: { email, deletedAt: null } }));

/** Returns the user and the hash of their password. Null for a deleted user. */
export const findCredentialsOf = async (database: UserDatabase, id: string): Promise<Credentials | null> =>
  toCredentials(await database.user.findUnique({ where: { id, deletedAt: null } }));

/** Like findCredentialsOf. Also locks the user's row until the transaction ends. */
export async function lockCredentials(transaction: UserTransaction, id: string): Promise<Credentials | null> {
  await transaction.$queryRaw(sql`SELECT id FROM users WHERE id = ${id} FOR UPDATE`);
  return toCredentials(await transaction.user.findUnique({ where: { id, deletedAt: null } }));
}

/** Returns the user and locks their row until the transaction ends. Null for a deleted user. */
export const lockUser = async (transaction: UserTransaction, id: string): Promise<User | null> =>
  (await lockCredentials(transaction, id))?.user ?? null;

export async function setPassword(transaction: UserTransaction, id: string, passwordHash: string): Promise<void> {
  await transaction.$executeRaw(sql`UPDATE users SET password_hash = ${passwordHash} WHERE id = ${id}`);
}

/** Records that the user receives mail at their e-mail. */
export async function markEmailVerified(transaction: UserTransaction, id: string): Promise<void> {
  await transaction.$executeRaw(sql`
    UPDATE users SET email_verified_at = COALESCE(email_verified_at, CURRENT_TIMESTAMP(3)) WHERE id = ${id}`);
}

/**
 * Removes the person from a user's row. The e-mail becomes a text that is unique but no e-mail address, so that nobody can
 * sign in with it or register it. The address itself can register again. No password matches an empty hash.
 */
export async function anonymizeUser(transaction: UserTransaction, id: string): Promise<void> {
  await transaction.$executeRaw(sql`
    UPDATE users SET name = 'Deleted user', email = CONCAT('deleted:', id), password_hash = '',
      email_verified_at = NULL, deleted_at = CURRENT_TIMESTAMP(3)
    WHERE id = ${id}`);
}

/** Sets the role of the user with this e-mail, which must be in lower case. Returns false when no user has it. */
export async function setRole(database: UserDatabase, email: string, role: Role): Promise<boolean> {
  const { count } = await database.user.updateMany({ where: { email }, data: { role } });
  return count > 0;
}

/** A user who registers. */
export type NewUser = Omit<User, 'emailVerifiedAt' | 'deletedAt'>;

/** Returns false when the e-mail is taken. The unique index also decides between simultaneous registrations. */
export async function insertUser(transaction: UserTransaction, user: NewUser, passwordHash: string): Promise<boolean> {
  try {
    await transaction.user.create({ data: { ...user, passwordHash }, select: { id: true } });
    return true;
  } catch (error) {
    if (sqlErrorNumber(error) === SQL_ERROR.duplicateKey) return false;
    throw error;
  }
}

const toCredentials = (row: Prisma.UserModel | null): Credentials | null => {
  if (row === null) return null;
  const { passwordHash, ...user } = row;
  return { user: toUser(user), passwordHash };
};

const toUser = (row: Omit<Prisma.UserModel, 'passwordHash'>): User => ({ ...row, role: row.role as Role });
