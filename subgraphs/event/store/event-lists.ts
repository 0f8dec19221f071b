import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { z } from 'zod';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Page } from '#platform/graphql/pagination.ts';
import { type Event, eventFields } from '../domain/event.ts';
import type { EventFilter } from '../domain/event-input.ts';
import type { EventDatabase } from './events.ts';

/** The position of an event in a list: its start in ms, and its id. Lists are ordered by both. */
export const eventKey = z.tuple([z.int().min(0).max(253_402_300_799_999), z.uuid()]);
export type EventKey = Readonly<z.output<typeof eventKey>>;
export const eventKeyOf = ({ startsAt, id }: Pick<Event, 'startsAt' | 'id'>): EventKey => [startsAt.getTime(), id];

/** A row of the table events. A column has the name of its field, in snake case. */
type EventRow = Readonly<Record<string, unknown>>;
const fieldOf = (column: string) => column.replace(/_[a-z]/g, (text) => text.slice(1).toUpperCase());
const toEvent = (row: EventRow): Event =>
  eventFields.parse(Object.fromEntries(Object.entries(row).map(([column, value]) => [fieldOf(column), value])));

/** The maximum number of index entries that a search with several conditions reads for one page. */
const SEARCH_ENTRIES_MAX = 10_000;

export type EventConditions = NonNullable<EventFilter>;

export interface EventRows {
  /** One page, earliest start first, plus one extra row if there is a next page. */
  readonly rows: readonly Event[];
  /** Set when the search stopped before the page was full. The next page starts after this position. */
  readonly resumeAfter: EventKey | undefined;
}

export async function listEvents(
  database: EventDatabase,
  page: Page<EventKey>,
  { nameContains: words, ...filter }: EventConditions,
): Promise<EventRows> {
  if (words != null) return searchEvents(database, page, { words, ...filter });
  const conditions = timeConditions(page, filter, sql`id`);
  if (filter.status != null) conditions.push(sql`status = ${filter.status}`);
  const index = filter.status == null ? sql`events_starts_at_id_idx` : sql`events_status_starts_at_id_idx`;
  const rows = (
    await database.$queryRaw<EventRow[]>(sql`
    SELECT events.* FROM events FORCE INDEX (${index})
    WHERE ${allOf(conditions)} ORDER BY starts_at, id LIMIT ${page.limit + 1}`)
  ).map(toEvent);
  return { rows, resumeAfter: undefined };
}

/** A page of the events that one user organizes. */
export interface OrganizerPage {
  readonly organizerId: string;
  readonly page: Page<EventKey>;
}

/**
 * Reads pages of the events of organizers with one statement. Returns them in the order of `pages`, each earliest start
 * first, with one extra row if there is a next page.
 */
export async function listOrganizerPages(executor: SqlExecutor, pages: readonly OrganizerPage[]): Promise<Event[][]> {
  const selects = pages.map(
    ({ organizerId, page }, position) => sql`(
    SELECT ${position} AS position, events.* FROM events FORCE INDEX (events_organizer_id_starts_at_id_idx)
    WHERE ${allOf([sql`organizer_id = ${organizerId}`, ...timeConditions(page, {}, sql`id`)])}
    ORDER BY starts_at, id LIMIT ${page.limit + 1})`,
  );
  const rows = await executor.$queryRaw<EventRow[]>(join(selects, ' UNION ALL '));
  const lists: Event[][] = pages.map(() => []);
  for (const row of rows) lists[Number(row.position)]?.push(toEvent(row));
  return lists.map((list) => list.sort(inListOrder));
}

/** The database may return the rows of a UNION in any order. */
const inListOrder = (one: Event, other: Event): number =>
  one.startsAt.getTime() - other.startsAt.getTime() || (one.id < other.id ? -1 : 1);

/**
 * Finds events whose names contain, for each search word, a word that begins with it. Reads the index entries of one
 * search word in list order, and leaves out events that lack another word or have another status. The number of entries
 * read per page is bounded. The matches for two common words that rarely occur together may therefore take several
 * pages.
 */
async function searchEvents(
  database: EventDatabase,
  page: Page<EventKey>,
  { words, status, ...times }: Omit<EventConditions, 'nameContains'> & { words: readonly string[] },
): Promise<EventRows> {
  // The longest word is probably the rarest.
  const [first = '', ...others] = words.toSorted((one, other) => other.length - one.length);
  const conditions = [sql`TRUE`];
  if (status != null) conditions.push(sql`status = ${status}`);
  // One look-up per word. A single look-up with IN (...) would read all entries of all words.
  for (const word of others) {
    conditions.push(sql`(
      SELECT COUNT(*) FROM event_name_prefixes AS other FORCE INDEX (event_name_prefixes_search_idx)
      WHERE other.prefix = ${word}
        AND other.starts_at = candidates.starts_at AND other.event_id = candidates.event_id
    ) = 1`);
  }
  const leavesOut = conditions.length > 1;
  const candidatesMax = leavesOut ? Math.floor(SEARCH_ENTRIES_MAX / words.length) : page.limit + 1;
  const candidates = sql`
    FROM event_name_prefixes FORCE INDEX (event_name_prefixes_search_idx)
    WHERE ${allOf([sql`prefix = ${first}`, ...timeConditions(page, times, sql`event_id`)])}
    ORDER BY starts_at, event_id`;
  const rows = (
    await database.$queryRaw<EventRow[]>(sql`
    SELECT events.* FROM (
      SELECT starts_at, event_id FROM (SELECT starts_at, event_id, status ${candidates} LIMIT ${candidatesMax}) AS candidates
      WHERE ${allOf(conditions)} ORDER BY starts_at, event_id LIMIT ${page.limit + 1}
    ) AS found
    STRAIGHT_JOIN events ON events.id = found.event_id
    ORDER BY found.starts_at, found.event_id`)
  ).map(toEvent);
  if (!leavesOut || rows.length > page.limit) return { rows, resumeAfter: undefined };
  const [last] = await database.$queryRaw<Pick<Event, 'startsAt' | 'id'>[]>(
    sql`SELECT starts_at AS startsAt, event_id AS id ${candidates} LIMIT 1 OFFSET ${candidatesMax - 1}`,
  );
  return { rows, resumeAfter: last && eventKeyOf(last) };
}

/** Returns the conditions for the time range and the page position. `id` is the column that orders equal starts. */
function timeConditions(
  { after }: Page<EventKey>,
  { startsAfter, startsBefore }: Pick<EventConditions, 'startsAfter' | 'startsBefore'>,
  id: Sql,
): Sql[] {
  const conditions: Sql[] = [];
  if (startsAfter != null) conditions.push(sql`starts_at > ${startsAfter}`);
  if (startsBefore != null) conditions.push(sql`starts_at < ${startsBefore}`);
  if (after !== undefined) {
    const startsAt = new Date(after[0]);
    conditions.push(sql`(starts_at > ${startsAt} OR (starts_at = ${startsAt} AND ${id} > ${after[1]}))`);
  }
  return conditions;
}

const allOf = (conditions: readonly Sql[]): Sql => (conditions.length === 0 ? sql`TRUE` : join(conditions, ' AND '));
