import { refreshSession as refresh } from '../commands/refresh-session.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { credentialsResult } from './credentials-result.ts';

export const refreshSession: MutationResolvers['refreshSession'] = async (_parent, args, context) => {
  const { dependencies, requestId, clientAddress } = context;
  return credentialsResult(await refresh(dependencies, { requestId, clientAddress, input: args }));
};
