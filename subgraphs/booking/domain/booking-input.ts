import { z } from 'zod';
import { idempotencyKey, isId, text, wholeNumber } from '#platform/errors/validation.ts';

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

/** The validation rules of joinWaitlist's input. The offered seats become one booking. */
export const createWaitlistRules = (seatsPerEntryMax: number) =>
  createHoldRules(seatsPerEntryMax).omit({ idempotencyKey: true });

export type JoinWaitlistInput = z.output<ReturnType<typeof createWaitlistRules>>;

/** The longest text that can be a code: scanners can add spaces and line ends. */
const CODE_LENGTH_MAX = 256;

/** The validation rules of checkIn's input. A text that is no code is a refusal of its own, so only its length is checked. */
export const createCheckInRules = (seatsPerBookingMax: number) =>
  z.object({
    eventId: z.string(),
    code: z
      .string()
      .max(CODE_LENGTH_MAX, `must have at most ${CODE_LENGTH_MAX} characters`)
      .transform((code) => code.trim().toUpperCase()),
    seats: wholeNumber(1, seatsPerBookingMax),
    deviceKey: idempotencyKey(),
  });

export type CheckInInput = z.output<ReturnType<typeof createCheckInRules>>;

export const cancelBookingRules = z.object({ id: z.string(), reason: text(1, 500).nullish() });

export type CancelBookingInput = z.output<typeof cancelBookingRules>;

export const setEventCapacityRules = z.object({ eventId: z.string(), totalSeats: wholeNumber(1, 1_000_000) });

export type SetEventCapacityInput = z.output<typeof setEventCapacityRules>;
