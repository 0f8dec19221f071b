import { sqltag as sql } from '@prisma/client/runtime/client';
import { type Event, type EventStatus, pick, revisableFields } from '../domain/event.ts';
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { indexEventNames } from './event-names.ts';

export type EventDatabase = PrismaClient;
export type EventTransaction = Prisma.TransactionClient;

/** Returns the events with these ids, in any order. Unknown ids are left out. */
export async function findEvents(database: EventDatabase, ids: readonly string[]): Promise<Event[]> {
  const rows = await database.event.findMany({ where: { id: { in: [...ids] } } });
  return rows.map(toEvent);
}

/** Locks an event until the transaction ends and returns it. Returns null if it does not exist. */
export async function lockEvent(transaction: EventTransaction, id: string): Promise<Event | null> {
  await transaction.$queryRaw(sql`SELECT id FROM events WHERE id = ${id} FOR UPDATE`);
  const row = await transaction.event.findUnique({ where: { id } });
  return row === null ? null : toEvent(row);
}

export async function insertEvent(transaction: EventTransaction, event: Event): Promise<void> {
  await transaction.event.create({ data: { ...event } });
  await indexEventNames(transaction, [event]);
}

/** Writes the fields that a revision may change. The row must be locked. */
export async function saveEvent(transaction: EventTransaction, event: Event): Promise<void> {
  const { id, version, updatedAt } = event;
  await transaction.event.update({
    where: { id },
    data: { ...pick(revisableFields, event), version, updatedAt },
    select: { id: true },
  });
  await indexEventNames(transaction, [event]);
}

const toEvent = (row: Prisma.EventModel): Event => ({ ...row, status: row.status as EventStatus });
