import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { changePassword as change } from '../commands/change-password.ts';
import { changePasswordRules } from '../domain/user-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { invalidCredentials } from './credentials-result.ts';

export const changePassword: MutationResolvers['changePassword'] = async (_parent, args, context) => {
  const { dependencies, requestId, clientAddress } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(changePasswordRules, args.input);
  if (!input.ok) return input.error;
  const user = await change(dependencies, { caller, requestId, clientAddress, input: input.value });
  return user === null ? invalidCredentials : { __typename: 'ChangePasswordPayload', user };
};
