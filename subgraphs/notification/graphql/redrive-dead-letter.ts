import { isId } from '#platform/errors/validation.ts';
import { redriveDeadLetter as redrive } from '../commands/redrive-dead-letter.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const redriveDeadLetter: MutationResolvers['redriveDeadLetter'] = async (_parent, { id }, { dependencies }) => {
  const deadLetter = isId(id) ? await redrive(dependencies, id) : null;
  if (deadLetter !== null) return { __typename: 'RedriveDeadLetterPayload', deadLetter };
  const message = 'The dead letter does not exist.';
  return { __typename: 'DeadLetterNotFoundError', code: 'DEAD_LETTER_NOT_FOUND', message };
};
