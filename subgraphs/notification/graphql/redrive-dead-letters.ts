import { parseInput } from '#platform/errors/validation.ts';
import { redriveDeadLetters as redrive } from '../commands/redrive-dead-letters.ts';
import { redriveDeadLettersRules } from '../domain/bulk-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { argumentError } from './argument-error.ts';

export const redriveDeadLetters: MutationResolvers['redriveDeadLetters'] = async (_parent, args, { dependencies }) => {
  const request = parseInput(redriveDeadLettersRules, args);
  if (!request.ok) return argumentError(request.error);
  return { __typename: 'RedriveDeadLettersPayload', ...(await redrive(dependencies, request.value)) };
};
