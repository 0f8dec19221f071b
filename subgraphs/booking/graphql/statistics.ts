import { parseArgument } from '#platform/errors/validation.ts';
import type { Inventory } from '../domain/inventory.ts';
import { type BookingCounts, countsByDay, dayRangeRules, sumOf } from '../domain/statistics.ts';
import type { EventStatisticsResolvers } from '../generated/graphql.ts';
import { countBookingsByTime } from '../store/statistics.ts';
import type { Context } from './context.ts';

/** What the fields of EventStatistics are resolved from. */
export interface StatisticsOf extends BookingCounts, Pick<Inventory, 'heldSeats' | 'waitingSeats' | 'checkedInSeats'> {
  readonly eventId: string;
  readonly timeZone: string;
}

/** Returns the statistics of an event. Null when it has no inventory. */
export async function statisticsOf(
  { id, timeZone }: { id: string; timeZone?: string | undefined },
  { inventories, bookingCounts }: Context,
): Promise<StatisticsOf | null> {
  const [inventory, counted] = await Promise.all([inventories.load(id), bookingCounts.load(id)]);
  if (inventory === null) return null;
  const { heldSeats, waitingSeats, checkedInSeats } = inventory;
  const now = { heldSeats, waitingSeats, checkedInSeats };
  return { eventId: id, timeZone: timeZone ?? 'UTC', ...now, ...sumOf(counted) };
}

export const eventStatistics = {
  async byDay({ eventId, timeZone }, args, { dependencies: { sql } }) {
    const days = parseArgument(dayRangeRules, 'byDay', args).in(timeZone);
    const [from, to] = [days[0]?.from, days.at(-1)?.to];
    if (from === undefined || to === undefined) return [];
    return countsByDay(days, await countBookingsByTime(sql, { eventId, from, to }));
  },
} satisfies EventStatisticsResolvers;
