import { requestPasswordReset as request } from '../commands/request-password-reset.ts';
import { emailRules } from '../domain/user-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

/** No account has a malformed e-mail, so it needs no work that could reveal one. */
export const requestPasswordReset: MutationResolvers['requestPasswordReset'] = async (_parent, args, context) => {
  const { dependencies, requestId, clientAddress } = context;
  const email = emailRules.safeParse(args.email);
  if (email.success) await request(dependencies, { requestId, clientAddress, input: email.data });
  return true;
};
