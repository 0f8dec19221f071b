import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { deleteAccount as remove } from '../commands/delete-account.ts';
import { deleteAccountRules } from '../domain/user-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { invalidCredentials } from './credentials-result.ts';

export const deleteAccount: MutationResolvers['deleteAccount'] = async (_parent, args, context) => {
  const { dependencies, requestId, clientAddress } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(deleteAccountRules, args.input);
  if (!input.ok) return invalidCredentials;
  const result = await remove(dependencies, { caller, requestId, clientAddress, input: input.value });
  switch (result.outcome) {
    case 'deleted':
      return { __typename: 'DeleteAccountPayload', deletedAt: result.deletedAt };
    case 'wrong-password':
      return invalidCredentials;
    case 'admin':
      return {
        __typename: 'AdminAccountError',
        code: 'ADMIN_ACCOUNT',
        message: 'The account of an admin cannot be deleted. The role must be revoked first.',
      };
  }
};
