import { signOut as end } from '../commands/sign-out.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const signOut: MutationResolvers['signOut'] = async (_parent, args, { dependencies }) => {
  await end(dependencies, args.refreshToken);
  return true;
};
