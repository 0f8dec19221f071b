import type { InvalidInput } from '#platform/errors/validation.ts';

/** Removes the prefix `input.` from an error, for mutations whose arguments are not in an `input` object. */
export const argumentError = ({ message, field, ...refusal }: InvalidInput): InvalidInput => ({
  ...refusal,
  message: message.replace(/^input\./, ''),
  field: field.replace(/^input\./, ''),
});
