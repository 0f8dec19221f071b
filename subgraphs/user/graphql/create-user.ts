import { parseInput } from '#platform/errors/validation.ts';
import { createUser as create } from '../commands/create-user.ts';
import { createUserRules } from '../domain/user-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const createUser: MutationResolvers['createUser'] = async (_parent, args, context) => {
  const { dependencies, requestId, clientAddress } = context;
  const input = parseInput(createUserRules, args.input);
  if (!input.ok) return input.error;
  const result = await create(dependencies, { requestId, clientAddress, input: input.value });
  switch (result.outcome) {
    case 'registered':
      return { __typename: 'Session', ...result.session };
    case 'email-taken':
      return { __typename: 'EmailTakenError', code: 'EMAIL_TAKEN', message: 'A user with this e-mail already exists.' };
  }
};
