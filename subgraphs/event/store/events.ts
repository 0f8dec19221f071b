import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Page } from '#platform/pagination.ts';
import type { Event, EventStatus } from '../domain/event.ts';
import type { EventFilter } from '../domain/event-input.ts';
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';

export type EventDatabase = PrismaClient;
export type EventTransaction = Prisma.TransactionClient;

/** The position of an event in lists, which are ordered by start, then id. */
export type EventKey = readonly [startsAtMs: number, id: string];
export const eventKeyOf = ({ startsAt, id }: Event): EventKey => [startsAt.getTime(), id];

/** The events that exist among these. */
export async function findEvents(database: EventDatabase, ids: readonly string[]): Promise<Event[]> {
  const rows = await database.event.findMany({ where: { id: { in: [...ids] } } });
  return rows.map(toEvent);
}

/** One page of events, soonest first, and one row more when there are more. */
export async function listEvents(
  database: EventDatabase,
  { limit, after }: Page<EventKey>,
  filter: EventFilter,
): Promise<Event[]> {
  const conditions: Prisma.EventWhereInput[] = [];
  if (after !== undefined) {
    const startsAt = new Date(after[0]);
    conditions.push(
      { startsAt: { gte: startsAt } },
      { OR: [{ startsAt: { gt: startsAt } }, { id: { gt: after[1] } }] },
    );
  }
  if (filter?.status) conditions.push({ status: filter.status });
  if (filter?.startsAfter) conditions.push({ startsAt: { gt: filter.startsAfter } });
  if (filter?.startsBefore) conditions.push({ startsAt: { lt: filter.startsBefore } });
  if (filter?.nameContains) conditions.push({ name: { contains: escapeLike(filter.nameContains) } });
  const rows = await database.event.findMany({
    where: { AND: conditions },
    orderBy: [{ startsAt: 'asc' }, { id: 'asc' }],
    take: limit + 1,
  });
  return rows.map(toEvent);
}

/** The event, locked until the transaction ends. */
export async function lockEvent(transaction: EventTransaction, id: string): Promise<Event | null> {
  await transaction.$queryRaw(sql`SELECT id FROM events WHERE id = ${id} FOR UPDATE`);
  const row = await transaction.event.findUnique({ where: { id } });
  return row === null ? null : toEvent(row);
}

export async function insertEvent(transaction: EventTransaction, event: Event): Promise<void> {
  await transaction.event.create({ data: { ...event } });
}

/** Writes what a revision may change. The row must be locked. */
export async function saveEvent(transaction: EventTransaction, event: Event): Promise<void> {
  const { name, description, venue, startsAt, status, version, updatedAt } = event;
  await transaction.event.update({
    where: { id: event.id },
    data: { name, description, venue, startsAt, status, version, updatedAt },
    select: { id: true },
  });
}

const toEvent = (row: Prisma.EventModel): Event => ({ ...row, status: row.status as EventStatus });

const escapeLike = (text: string) => text.replaceAll(/[\\%_]/g, '\\$&');
