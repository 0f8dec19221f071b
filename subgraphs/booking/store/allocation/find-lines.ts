import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Line, WaitlistEntry } from '../../domain/waitlist.ts';
import type { WantedLine } from '../../domain/wanted-lines.ts';
import { WAITLIST_COLUMNS } from '../find-waitlist-entries.ts';

/** The maximum number of entries for one number of seats in a batch. */
const PER_SEAT_COUNT_MAX = 64;
/** The maximum number of entries of an event that end in a batch. */
const ENDING_MAX = 256;

/**
 * Returns the first waiting entries of each event, for each number of seats that can become free. An entry for few seats
 * is thus found although many entries for more seats are before it. The events' inventories must be locked.
 * @param seatsMax the maximum number of seats of an entry
 */
export async function findLines(
  transaction: SqlExecutor,
  wanted: readonly WantedLine[],
  seatsMax: number,
): Promise<ReadonlyMap<string, Line>> {
  if (wanted.length === 0) return new Map();
  const selects = wanted.flatMap((line) => selectsOf(line, seatsMax));
  const rows = await transaction.$queryRaw<WaitlistEntry[]>(join(selects, ' UNION ALL '));
  const byEvent = Map.groupBy(rows, ({ eventId }) => eventId);
  return new Map(wanted.map((line) => [line.eventId, lineOf(byEvent.get(line.eventId) ?? [], line, seatsMax)]));
}

function selectsOf({ eventId, freeSeatsMax }: WantedLine, seatsMax: number): Sql[] {
  if (freeSeatsMax === undefined) {
    return [
      sql`(
    SELECT ${WAITLIST_COLUMNS}
    FROM waitlist_entries FORCE INDEX (waitlist_entries_event_id_status_place_idx)
    WHERE event_id = ${eventId} AND status = 'WAITING' ORDER BY place LIMIT ${ENDING_MAX})`,
    ];
  }
  return seatCountsOf(freeSeatsMax, seatsMax).map(
    (seatCount) => sql`(
    SELECT ${WAITLIST_COLUMNS}
    FROM waitlist_entries FORCE INDEX (waitlist_entries_event_id_status_seat_count_place_idx)
    WHERE event_id = ${eventId} AND status = 'WAITING' AND seat_count = ${seatCount}
    ORDER BY place LIMIT ${limitOf(freeSeatsMax, seatCount)})`,
  );
}

const seatCountsOf = (freeSeatsMax: number, seatsMax: number): number[] =>
  Array.from({ length: Math.min(freeSeatsMax, seatsMax) }, (_, index) => index + 1);

/** More entries than this cannot get seats in the batch. */
const limitOf = (freeSeatsMax: number, seatCount: number): number =>
  Math.min(PER_SEAT_COUNT_MAX, Math.floor(freeSeatsMax / seatCount));

function lineOf(entries: readonly WaitlistEntry[], { freeSeatsMax }: WantedLine, seatsMax: number): Line {
  const waiting = entries.toSorted((one, other) => one.place - other.place);
  if (freeSeatsMax === undefined) {
    const seatCountMax = entries.length < ENDING_MAX ? Number.POSITIVE_INFINITY : 0;
    return { waiting, seatCountMax, cutSeatCounts: new Set() };
  }
  const counts = new Map(
    Map.groupBy(entries, ({ seatCount }) => seatCount)
      .entries()
      .map(([seatCount, { length }]) => [seatCount, length]),
  );
  return {
    waiting,
    seatCountMax: freeSeatsMax < seatsMax ? freeSeatsMax : Number.POSITIVE_INFINITY,
    cutSeatCounts: new Set(
      seatCountsOf(freeSeatsMax, seatsMax).filter(
        (seatCount) => counts.get(seatCount) === limitOf(freeSeatsMax, seatCount),
      ),
    ),
  };
}
