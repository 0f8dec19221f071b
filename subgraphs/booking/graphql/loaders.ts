import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import { createSharedLoader } from '#platform/graphql/shared-loader.ts';
import type { BookingDependencies } from '../commands/dependencies.ts';
import { ensureInventories } from '../commands/ensure-inventories.ts';
import type { Inventory } from '../domain/inventory.ts';
import { type BookingPage, listBookingPages } from '../store/bookings.ts';
import { findBookings } from '../store/find-bookings.ts';
import { findHolds } from '../store/find-holds.ts';
import { countEntriesAhead, findWaitlistEntries } from '../store/find-waitlist-entries.ts';
import { type HoldPage, listHoldPages } from '../store/holds.ts';
import { findInventories } from '../store/inventories.ts';
import { countBookings } from '../store/statistics.ts';
import { listWaitlistPages, type WaitlistPage } from '../store/waitlist.ts';
import type { Context } from './context.ts';

const BATCH_MAX = 1_000;
const PAGES_PER_STATEMENT_MAX = 100;

type Loaders = Pick<
  Context,
  | 'inventories'
  | 'bookings'
  | 'bookingCounts'
  | 'contacts'
  | 'bookingPages'
  | 'holds'
  | 'holdPages'
  | 'waitlistEntries'
  | 'waitlistPages'
  | 'entriesAhead'
>;

/**
 * Returns a function that creates the data loaders of one request. They combine single look-ups into batches. Mutations
 * clear the entries that they change. Requests in the same turn of the event loop load inventories together, and also
 * lists: each page has its own SELECT with its own conditions, and all are sent as one statement.
 */
export function createLoaders(dependencies: BookingDependencies): () => Loaders {
  const inventories = createSharedLoader((ids: readonly string[]) => loadInventories(dependencies, ids));
  const counts = createSharedLoader((ids: readonly string[]) => loadCounts(dependencies, ids), {
    batchMax: PAGES_PER_STATEMENT_MAX,
  });
  const pages = createSharedLoader((wanted: readonly BookingPage[]) => listBookingPages(dependencies.sql, wanted), {
    batchMax: PAGES_PER_STATEMENT_MAX,
  });
  const holdPages = createSharedLoader((wanted: readonly HoldPage[]) => listHoldPages(dependencies.sql, wanted), {
    batchMax: PAGES_PER_STATEMENT_MAX,
  });
  const waitlistPages = createSharedLoader(
    (wanted: readonly WaitlistPage[]) => listWaitlistPages(dependencies.sql, wanted),
    { batchMax: PAGES_PER_STATEMENT_MAX },
  );
  return () => ({
    inventories: new DataLoader(inventories, { maxBatchSize: BATCH_MAX }),
    bookings: createIdLoader((ids) => findBookings(dependencies.sql, ids)),
    bookingCounts: new DataLoader(counts, { maxBatchSize: PAGES_PER_STATEMENT_MAX }),
    contacts: createIdLoader((ids) => dependencies.users.contacts(ids)),
    holds: createIdLoader((ids) => findHolds(dependencies.sql, ids)),
    bookingPages: new DataLoader(pages, {
      maxBatchSize: PAGES_PER_STATEMENT_MAX,
      cacheKeyFn: ({ userId, eventId, status, page: { limit, after } }) =>
        [userId, eventId, status, limit, after?.[0]].join(),
    }),
    holdPages: new DataLoader(holdPages, {
      maxBatchSize: PAGES_PER_STATEMENT_MAX,
      cacheKeyFn: ({ userId, page: { limit, after } }) => [userId, limit, after?.[0]].join(),
    }),
    waitlistEntries: createIdLoader((ids) => findWaitlistEntries(dependencies.sql, ids)),
    waitlistPages: new DataLoader(waitlistPages, {
      maxBatchSize: PAGES_PER_STATEMENT_MAX,
      cacheKeyFn: ({ userId, page: { limit, after } }) => [userId, limit, after?.[0]].join(),
    }),
    entriesAhead: new DataLoader((entries) => countEntriesAhead(dependencies.sql, entries), {
      maxBatchSize: PAGES_PER_STATEMENT_MAX,
      cacheKeyFn: ({ id }) => id,
    }),
  });
}

/** Creates a loader of rows by their ids. Rows that do not exist are null. */
const createIdLoader = <Row extends { readonly id: string }>(
  find: (ids: readonly string[]) => PromiseLike<readonly Row[]>,
): DataLoader<string, Row | null> =>
  new DataLoader(
    async (ids) => {
      const byId = new Map((await find(ids.filter(isId))).map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    { maxBatchSize: BATCH_MAX },
  );

async function loadCounts({ sql }: BookingDependencies, ids: readonly string[]) {
  const known = ids.filter(isId);
  const counted = known.length === 0 ? new Map() : await countBookings(sql, known);
  return ids.map((id) => counted.get(id) ?? []);
}

/** If the event subgraph does not answer, only the events without an inventory fail. */
async function loadInventories(dependencies: BookingDependencies, ids: readonly string[]) {
  const known = ids.filter(isId);
  const byId = new Map<string, Inventory | Error>();
  const find = async (eventIds: readonly string[]) => {
    for (const inventory of await findInventories(dependencies.sql, eventIds)) {
      byId.set(inventory.eventId, inventory);
    }
  };
  await find(known);
  const missing = known.filter((id) => !byId.has(id));
  if (missing.length > 0) {
    try {
      await ensureInventories(dependencies, missing);
      await find(missing);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      for (const id of missing) byId.set(id, error);
    }
  }
  return ids.map((id) => byId.get(id) ?? null);
}
