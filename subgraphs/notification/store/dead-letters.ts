import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { IdPage } from '#platform/graphql/pagination.ts';
import type { RedriveDeadLettersRequest } from '../domain/bulk-input.ts';
import type { DeadLetter } from '../domain/dead-letter.ts';
import type { NotificationDatabase } from './database.ts';

export type NewDeadLetter = Omit<DeadLetter, 'createdAt' | 'redrivenAt'>;

export async function insertDeadLetters(
  transaction: SqlExecutor,
  deadLetters: readonly NewDeadLetter[],
): Promise<void> {
  const rows = deadLetters.map(
    ({ id, consumer, subject, payload, reason, deliveries }) =>
      sql`(${id}, ${consumer}, ${subject}, ${Buffer.from(payload)}, ${reason}, ${deliveries})`,
  );
  await transaction.$executeRaw(sql`
    INSERT INTO dead_letters (id, consumer, subject, payload, reason, deliveries) VALUES ${join(rows)}`);
}

/** Returns one page of dead letters, newest first, plus one row if there is a next page. */
export const listDeadLetters = (database: NotificationDatabase, { limit, after }: IdPage): Promise<DeadLetter[]> =>
  database.deadLetter.findMany({
    where: after === undefined ? {} : { id: { lt: after[0] } },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });

export const findDeadLetter = (database: NotificationDatabase, id: string): Promise<DeadLetter | null> =>
  database.deadLetter.findUnique({ where: { id } });

/** Returns dead letters that were never redriven, oldest first, and whether there are more. */
export async function findWaitingDeadLetters(
  database: NotificationDatabase,
  { filter: { consumer, subject, createdFrom, createdBefore }, limit }: RedriveDeadLettersRequest,
): Promise<[letters: DeadLetter[], hasMore: boolean]> {
  const letters = await database.deadLetter.findMany({
    where: {
      redrivenAt: null,
      ...(consumer !== undefined && { consumer }),
      ...(subject !== undefined && { subject }),
      createdAt: { ...(createdFrom && { gte: createdFrom }), ...(createdBefore && { lt: createdBefore }) },
    },
    orderBy: { id: 'asc' },
    take: limit + 1,
  });
  return [letters.slice(0, limit), letters.length > limit];
}

/** Marks these dead letters as redriven now. */
export async function markRedriven(database: NotificationDatabase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await database.$executeRaw(sql`
    UPDATE dead_letters SET redriven_at = CURRENT_TIMESTAMP(3) WHERE id IN (${join([...ids])})`);
}
