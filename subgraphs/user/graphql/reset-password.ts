import { parseInput } from '#platform/errors/validation.ts';
import { resetPassword as reset } from '../commands/reset-password.ts';
import { resetPasswordRules } from '../domain/user-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { invalidToken } from './credentials-result.ts';

export const resetPassword: MutationResolvers['resetPassword'] = async (_parent, args, context) => {
  const { dependencies, requestId, clientAddress } = context;
  const input = parseInput(resetPasswordRules, args.input);
  if (!input.ok) return input.error;
  const session = await reset(dependencies, { requestId, clientAddress, input: input.value });
  return session === null ? invalidToken : { __typename: 'Session', ...session };
};
