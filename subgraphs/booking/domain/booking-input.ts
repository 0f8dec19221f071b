import { z } from 'zod';
import { isId, wholeNumber } from '#platform/validation.ts';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{8,128}$/;

/** The rules of createBooking's input; made once, since a schema costs more than what it checks. */
export const createBookingRules = (seatsPerBookingMax: number) =>
  z.object({
    eventId: z.string(),
    seatCount: wholeNumber(1, seatsPerBookingMax),
    idempotencyKey: z.string().regex(IDEMPOTENCY_KEY, 'must have 8 to 128 visible ASCII characters'),
    userId: z.string().refine(isId, 'is not the id of a user').nullish(),
  });

export type CreateBookingInput = z.output<ReturnType<typeof createBookingRules>>;

export const setEventCapacityRules = z.object({ eventId: z.string(), totalSeats: wholeNumber(1, 1_000_000) });

export type SetEventCapacityInput = z.output<typeof setEventCapacityRules>;
