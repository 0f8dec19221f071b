import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { EventResolvers } from '../generated/graphql.ts';

export const event = {
  __resolveReference: ({ id }) => ({ __typename: 'Event', id }),
  totalSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.totalSeats ?? null,
  availableSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.availableSeats ?? null,
  checkedInSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.checkedInSeats ?? null,
  heldSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.heldSeats ?? null,
  waitingSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.waitingSeats ?? null,
  bookings: async ({ id }, args, { bookingPages }) => {
    const page = pageOf(args, idKey);
    const rows = await bookingPages.load({ eventId: id, page });
    return connectionById(rows, page);
  },
} satisfies EventResolvers;
