import { requireCaller } from '#platform/identity/identity.ts';
import { requestEmailVerification as request } from '../commands/request-email-verification.ts';
import { verifyEmail as verify } from '../commands/verify-email.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { invalidToken } from './credentials-result.ts';

export const requestEmailVerification: MutationResolvers['requestEmailVerification'] = async (
  _parent,
  _args,
  context,
) => {
  const { dependencies, requestId, clientAddress } = context;
  await request(dependencies, { caller: requireCaller(context.caller), requestId, clientAddress });
  return true;
};

export const verifyEmail: MutationResolvers['verifyEmail'] = async (_parent, { token }, context) => {
  const { dependencies, clientAddress } = context;
  const user = await verify(dependencies, { clientAddress, input: token });
  return user === null ? invalidToken : { __typename: 'VerifyEmailPayload', user };
};
