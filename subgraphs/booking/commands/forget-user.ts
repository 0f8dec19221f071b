import type { IdPage } from '#platform/graphql/pagination.ts';
import { listHoldPages } from '../store/holds.ts';
import { listWaitlistPages } from '../store/waitlist.ts';
import type { BookingDependencies } from './dependencies.ts';

const PAGE_SIZE = 100;

/**
 * Ends the waiting of a user who has deleted their account, and gives back the seats that are held for them. Otherwise
 * the seats would be kept for nobody. The bookings stay. Repeating it has no further effect.
 */
export async function forgetUser(
  { sql, allocator, relay }: Pick<BookingDependencies, 'sql' | 'allocator' | 'relay'>,
  { userId, requestId, traceparent }: { userId: string; requestId: string; traceparent?: string | undefined },
): Promise<void> {
  // The entries come first: one that is offered its seats meanwhile has a hold afterwards.
  await forEachPage(
    async (page) => (await listWaitlistPages(sql, [{ userId, page }])).flat(),
    async ({ id, eventId, status }) => {
      if (status === 'WAITING') await allocator.submit({ kind: 'leave-waitlist', entryId: id, eventId, traceparent });
    },
  );
  await forEachPage(
    async (page) => (await listHoldPages(sql, [{ userId, page }])).flat(),
    async ({ id, eventId, status }) => {
      if (status === 'HELD')
        await allocator.submit({ kind: 'release-hold', holdId: id, eventId, requestId, traceparent });
    },
  );
  relay.nudge();
}

/** Calls a function with each row of a list in id order, and waits for each page. */
async function forEachPage<Row extends { readonly id: string }>(
  read: (page: IdPage) => Promise<readonly Row[]>,
  run: (row: Row) => Promise<void>,
): Promise<void> {
  let after: IdPage['after'];
  do {
    const rows: readonly Row[] = await read({ limit: PAGE_SIZE, after });
    await Promise.all(rows.map(run));
    const last = rows.at(-1);
    after = rows.length > PAGE_SIZE && last !== undefined ? [last.id] : undefined;
  } while (after !== undefined);
}
