import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Page } from '#platform/pagination.ts';
import type { DeadLetter } from '../domain/dead-letter.ts';
import type { NotificationDatabase, NotificationTransaction } from './database.ts';

/** The position of a dead letter in lists, which are newest first: ids are UUIDv7. */
export type DeadLetterKey = readonly [id: string];
export const deadLetterKeyOf = ({ id }: DeadLetter): DeadLetterKey => [id];

export type NewDeadLetter = Omit<DeadLetter, 'createdAt' | 'redrivenAt'>;

export async function insertDeadLetters(
  transaction: NotificationTransaction,
  deadLetters: readonly NewDeadLetter[],
): Promise<void> {
  await transaction.deadLetter.createMany({ data: [...deadLetters] });
}

/** One page of dead letters, newest first, and one row more when there are more. */
export const listDeadLetters = (
  database: NotificationDatabase,
  { limit, after }: Page<DeadLetterKey>,
): Promise<DeadLetter[]> =>
  database.deadLetter.findMany({
    where: after === undefined ? {} : { id: { lt: after[0] } },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });

export const findDeadLetter = (database: NotificationDatabase, id: string): Promise<DeadLetter | null> =>
  database.deadLetter.findUnique({ where: { id } });

/** Notes that the dead letter was put back on its subject just now. */
export async function markRedriven(database: NotificationDatabase, id: string): Promise<void> {
  await database.$executeRaw(sql`UPDATE dead_letters SET redriven_at = CURRENT_TIMESTAMP(3) WHERE id = ${id}`);
}
