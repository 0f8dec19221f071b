import { z } from 'zod';
import { badUserInput } from './errors.ts';

/** An input value breaks a documented rule; the schema's InvalidInputError. */
export interface InvalidInput {
  __typename: 'InvalidInputError';
  code: 'INVALID_INPUT';
  message: string;
  /** The path of the input field, such as input.name. */
  field: string;
}

/** Returns the parsed input, or the first rule that it breaks. An input field without a rule is a type error. */
export function parseInput<Schema extends z.ZodType, Input extends object>(
  schema: Schema,
  input: Input & Record<Exclude<keyof Input, keyof z.input<Schema>>, never>,
): { ok: true; value: z.output<Schema> } | { ok: false; error: InvalidInput } {
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  return { ok: false, error: invalidInput(issue?.path.join('.') ?? '', issue?.message ?? 'is not valid') };
}

/** Returns the parsed argument. @throws BAD_USER_INPUT with its name and the first rule that it breaks */
export function parseArgument<Schema extends z.ZodType>(
  schema: Schema,
  name: string,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw badUserInput(`${[name, ...(issue?.path ?? [])].join('.')} ${issue?.message ?? 'is not valid'}.`);
}

/** The refusal of one field; `path` is relative to the input. */
export function invalidInput(path: string, rule: string): InvalidInput {
  const field = path === '' ? 'input' : `input.${path}`;
  return { __typename: 'InvalidInputError', code: 'INVALID_INPUT', message: `${field} ${rule}.`, field };
}

const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_LINES = /[^\P{Cc}\n\r\t]/u;

/** Text of min to max characters (Unicode code points), trimmed by default, without control characters. */
export const text = (min: number, max: number, { lines = false, trim = true } = {}) =>
  z
    .string()
    .transform((value) => (trim ? value.trim() : value))
    .refine((value) => value.isWellFormed(), 'is not well-formed Unicode')
    .refine((value) => !(lines ? CONTROL_BUT_LINES : CONTROL).test(value), 'must not contain control characters')
    .refine((value) => between([...value].length, min, max), `must have ${min} to ${max} characters`);

/** A whole number between bounds, both included. */
export const wholeNumber = (min: number, max: number) => {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z.int({ error: rule }).refine((value) => between(value, min, max), rule);
};

/** A key that is equal for all retries of one request: 8 to 128 visible ASCII characters. */
export const idempotencyKey = () =>
  z.string().regex(/^[\x21-\x7e]{8,128}$/, 'must have 8 to 128 visible ASCII characters');

const between = (value: number, min: number, max: number) => value >= min && value <= max;

/** An instant in ISO 8601 with an offset from UTC, in the years 1970 to 9999. */
export const instant = () =>
  z.iso
    .datetime({ offset: true, error: 'must be an instant in ISO 8601, like 2026-11-22T09:30:00.000Z' })
    .transform((value) => new Date(value))
    .refine((date) => between(date.getUTCFullYear(), 1970, 9999), 'must lie in the years 1970 to 9999');

/** The form of all our ids. No object has an id of another form, so it needs no look-up. */
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const isId = (value: string): boolean => ID.test(value);
