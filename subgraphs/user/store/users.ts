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
});

/** Returns the users with these ids, in any order. Unknown ids are left out. */
export const findUsers = async (executor: SqlExecutor, ids: readonly string[]): Promise<User[]> =>
  ids.length === 0
    ? []
    : executor.$queryRaw<User[]>(sql`SELECT ${USER_COLUMNS} FROM users WHERE id IN (${join([...ids])})`);

/** Returns one page of users, newest first, plus one row if there is a next page. */
export async function listUsers(database: UserDatabase, { limit, after }: IdPage): Promise<User[]> {
  const rows = await database.user.findMany({
    ...(after && { where: { id: { lt: after[0] } } }),
    orderBy: { id: 'desc' },
    take: limit + 1,
    omit: { passwordHash: true },
  });
  return rows.map(toUser);
}

/** Returns the user with this e-mail, which must be in lower case, and the hash of their password. */
export async function findCredentials(
  database: UserDatabase,
  email: string,
): Promise<{ user: User; passwordHash: string } | null> {
  const row = await database.user.findUnique({ where: { email } });
  if (row === null) return null;
  const { passwordHash, ...user } = row;
  return { user: toUser(user), passwordHash };
}

/** Returns the user and locks their row until the transaction ends. */
export async function lockUser(transaction: UserTransaction, id: string): Promise<User | null> {
  await transaction.$queryRaw(sql`SELECT id FROM users WHERE id = ${id} FOR UPDATE`);
  const row = await transaction.user.findUnique({ where: { id }, omit: { passwordHash: true } });
  return row === null ? null : toUser(row);
}

/** Sets the role of the user with this e-mail, which must be in lower case. Returns false when no user has it. */
export async function setRole(database: UserDatabase, email: string, role: Role): Promise<boolean> {
  const { count } = await database.user.updateMany({ where: { email }, data: { role } });
  return count > 0;
}

/** Returns false when the e-mail is taken. The unique index also decides between simultaneous registrations. */
export async function insertUser(transaction: UserTransaction, user: User, passwordHash: string): Promise<boolean> {
  try {
    await transaction.user.create({ data: { ...user, passwordHash }, select: { id: true } });
    return true;
  } catch (error) {
    if (sqlErrorNumber(error) === SQL_ERROR.duplicateKey) return false;
    throw error;
  }
}

const toUser = (row: Omit<Prisma.UserModel, 'passwordHash'>): User => ({ ...row, role: row.role as Role });
