import type { BookingResolvers, TicketResolvers } from '../generated/graphql.ts';
import { qrSvgOf } from '../tickets/qr.ts';

export const booking = {
  __resolveReference: async ({ id }, { bookings }) => {
    const found = await bookings.load(id);
    return found && { ...found };
  },
  event: ({ eventId }) => ({ __typename: 'Event', id: eventId }),
  user: ({ userId }) => ({ __typename: 'User', id: userId }),
  attendee: ({ userId }, _args, { contacts }) => contacts.load(userId),
  ticket: ({ id: bookingId, eventId, seatCount, status }, _args, { dependencies }) =>
    status === 'CONFIRMED' ? { code: dependencies.tickets.codeOf({ bookingId, eventId, seatCount }) } : null,
} satisfies BookingResolvers;

export const ticket = {
  qrSvg: ({ code }) => qrSvgOf(code),
} satisfies TicketResolvers;
