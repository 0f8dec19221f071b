import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { EventResolvers } from '../generated/graphql.ts';
import { statisticsOf } from './statistics.ts';

export const event = {
  __resolveReference: ({ id, timeZone }) => ({ __typename: 'Event', id, timeZone }),
  totalSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.totalSeats ?? null,
  availableSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.availableSeats ?? null,
  checkedInSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.checkedInSeats ?? null,
  heldSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.heldSeats ?? null,
  waitingSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.waitingSeats ?? null,
  statistics: (event, _args, context) => statisticsOf(event, context),
  bookings: async ({ id }, args, { bookingPages }) => {
    const page = pageOf(args, idKey);
    const rows = await bookingPages.load({ eventId: id, page });
    return connectionById(rows, page);
  },
} satisfies EventResolvers;
