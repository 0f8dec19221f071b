import { z } from 'zod';
import { idempotencyKey, isId, wholeNumber } from '#platform/errors/validation.ts';

/** The rules of createBooking's input; made once, since a schema costs more than what it checks. */
export const createBookingRules = (seatsPerBookingMax: number) =>
  z.object({
    eventId: z.string(),
    seatCount: wholeNumber(1, seatsPerBookingMax),
    idempotencyKey: idempotencyKey(),
    userId: z.string().refine(isId, 'is not the id of a user').nullish(),
  });

export type CreateBookingInput = z.output<ReturnType<typeof createBookingRules>>;

export const setEventCapacityRules = z.object({ eventId: z.string(), totalSeats: wholeNumber(1, 1_000_000) });

export type SetEventCapacityInput = z.output<typeof setEventCapacityRules>;
