import { z } from 'zod';
import { idempotencyKey, isId, wholeNumber } from '#platform/errors/validation.ts';

/** The validation rules of createBooking's input. Create them once: building a schema is slower than using it. */
export const createBookingRules = (seatsPerBookingMax: number) =>
  z.object({
    eventId: z.string(),
    seatCount: wholeNumber(1, seatsPerBookingMax),
    idempotencyKey: idempotencyKey(),
    userId: z.string().refine(isId, 'is not a valid user id').nullish(),
    place: z.string().nullish(),
  });

export type CreateBookingInput = z.output<ReturnType<typeof createBookingRules>>;

/** The validation rules of holdSeats' input. A hold has at most as many seats as a booking. */
export const createHoldRules = (seatsPerHoldMax: number) => createBookingRules(seatsPerHoldMax).omit({ userId: true });

export type HoldSeatsInput = z.output<ReturnType<typeof createHoldRules>>;

export const setEventCapacityRules = z.object({ eventId: z.string(), totalSeats: wholeNumber(1, 1_000_000) });

export type SetEventCapacityInput = z.output<typeof setEventCapacityRules>;
