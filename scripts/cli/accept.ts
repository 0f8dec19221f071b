import { LocalError } from '../local/settings.ts';

/** Returns the member of a union that is not a refusal. @throws LocalError with the message of the refusal */
export function accept<Result extends { __typename: string }>(result: Result): Exclude<Result, { message: string }> {
  if ('message' in result) throw new LocalError(String(result.message));
  return result as Exclude<Result, { message: string }>;
}
