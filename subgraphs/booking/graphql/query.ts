import { isId } from '#platform/errors/validation.ts';
import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import { ownUnlessAdmin } from '#platform/identity/authorization.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import type { QueryResolvers } from '../generated/graphql.ts';

export const query: QueryResolvers = {
  booking: (_parent, { id }, { bookings }) => bookings.load(id),
  bookings: async (_parent, { filter, ...args }, context) => {
    const caller = requireCaller(context.caller);
    const page = pageOf(args, idKey);
    const eventId = filter?.eventId ?? undefined;
    if (eventId !== undefined && !isId(eventId)) return connectionById([], page);
    const rows = await context.bookingPages.load({
      page,
      userId: ownUnlessAdmin(caller),
      eventId,
      status: filter?.status ?? undefined,
    });
    return connectionById(rows, page);
  },
  hold: (_parent, { id }, { holds }) => holds.load(id),
  waitlistEntry: (_parent, { id }, { waitlistEntries }) => waitlistEntries.load(id),
  ticketKeys: (_parent, _args, { dependencies }) => [...dependencies.tickets.keys],
};
