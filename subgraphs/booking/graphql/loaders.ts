import DataLoader from 'dataloader';
import { isId } from '#platform/validation.ts';
import type { BookingDependencies } from '../commands/dependencies.ts';
import { ensureInventories } from '../commands/ensure-inventories.ts';
import { findBookings } from '../store/allocation/find-bookings.ts';
import { listBookingPages } from '../store/bookings.ts';
import { findInventories } from '../store/inventories.ts';
import type { Context } from './context.ts';

const BATCH_MAX = 1_000;
const PAGES_PER_STATEMENT_MAX = 100;

type Loaders = Pick<Context, 'inventories' | 'bookings' | 'bookingPages'>;

/** One statement for all that a request asks for at once. Mutations clear what they change. */
export const createLoaders = (dependencies: BookingDependencies): Loaders => ({
  inventories: new DataLoader((ids) => loadInventories(dependencies, ids), { maxBatchSize: BATCH_MAX }),
  bookings: new DataLoader(
    async (ids) => {
      const found = await findBookings(dependencies.database, ids.filter(isId));
      const byId = new Map(found.map((booking) => [booking.id, booking]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    { maxBatchSize: BATCH_MAX },
  ),
  bookingPages: new DataLoader((pages) => listBookingPages(dependencies.database, pages), {
    maxBatchSize: PAGES_PER_STATEMENT_MAX,
    cacheKeyFn: ({ userId, eventId, page: { limit, after } }) => [userId, eventId, limit, after?.[0]].join(),
  }),
});

async function loadInventories(dependencies: BookingDependencies, ids: readonly string[]) {
  const known = ids.filter(isId);
  const found = await findInventories(dependencies.database, known);
  const byId = new Map(found.map((inventory) => [inventory.eventId, inventory]));
  const missing = known.filter((id) => !byId.has(id));
  if (missing.length > 0) {
    await ensureInventories(dependencies, missing);
    for (const made of await findInventories(dependencies.database, missing)) byId.set(made.eventId, made);
  }
  return ids.map((id) => byId.get(id) ?? null);
}
