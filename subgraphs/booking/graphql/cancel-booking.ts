import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { cancelBooking as cancel } from '../commands/cancel-booking.ts';
import { cancelBookingRules } from '../domain/booking-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const cancelBooking: MutationResolvers['cancelBooking'] = async (_parent, args, context) => {
  const { dependencies, inventories, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(cancelBookingRules, args.input);
  if (!input.ok) return input.error;
  const result = await cancel(dependencies, { caller, requestId, input: input.value });
  if (result.outcome === 'unknown-booking') {
    return { __typename: 'BookingNotFoundError', code: 'BOOKING_NOT_FOUND', message: 'There is no such booking.' };
  }
  if (result.outcome === 'booking-checked-in') {
    return {
      __typename: 'BookingCheckedInError',
      code: 'BOOKING_CHECKED_IN',
      message: 'Seats of the booking were checked in, so it cannot be cancelled.',
      checkedInSeats: result.booking.checkedInSeats,
    };
  }
  if (result.outcome === 'cancellation-closed') {
    const { cancellationDeadline } = result;
    return {
      __typename: 'CancellationClosedError',
      code: 'CANCELLATION_CLOSED',
      message: 'Bookings of this event could be cancelled only until its cancellation deadline.',
      cancellationDeadline,
    };
  }
  inventories.clear(result.booking.eventId);
  return { __typename: 'CancelBookingPayload', booking: result.booking };
};
