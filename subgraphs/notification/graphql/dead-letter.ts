import type { DeadLetterResolvers } from '../generated/graphql.ts';

export const deadLetter = {
  payload: ({ payload }) => new TextDecoder().decode(payload),
} satisfies DeadLetterResolvers;
