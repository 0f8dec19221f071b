import { parseInput } from '#platform/errors/validation.ts';
import { signIn as open } from '../commands/sign-in.ts';
import { signInRules } from '../domain/user-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { credentialsResult } from './credentials-result.ts';

export const signIn: MutationResolvers['signIn'] = async (_parent, args, context) => {
  const { dependencies, clientAddress } = context;
  const input = parseInput(signInRules, args.input);
  return credentialsResult(input.ok ? await open(dependencies, { clientAddress, input: input.value }) : null);
};
