import type { InvalidInput } from '#platform/errors/validation.ts';

/** The refusal of arguments that stand by themselves, not in an `input`. */
export const argumentError = ({ message, field, ...refusal }: InvalidInput): InvalidInput => ({
  ...refusal,
  message: message.replace(/^input\./, ''),
  field: field.replace(/^input\./, ''),
});
