import { connectionOf, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { EventResolvers } from '../generated/graphql.ts';
import { bookingKeyOf } from '../store/bookings.ts';

export const event = {
  __resolveReference: ({ id }) => ({ __typename: 'Event', id }),
  totalSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.totalSeats ?? null,
  availableSeats: async ({ id }, _args, { inventories }) => (await inventories.load(id))?.availableSeats ?? null,
  bookings: async ({ id }, args, { bookingPages }) => {
    const page = pageOf(args, idKey);
    const rows = await bookingPages.load({ eventId: id, page });
    return connectionOf(rows, page, bookingKeyOf, (row) => row);
  },
} satisfies EventResolvers;
