import type { DeadLetterResolvers } from '../generated/graphql.ts';

export const deadLetter: DeadLetterResolvers = {
  payload: ({ payload }) => new TextDecoder().decode(payload),
};
