import { requireCaller } from '#platform/identity/identity.ts';
import { endSession as end, endAllSessions } from '../commands/end-sessions.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const endSession: MutationResolvers['endSession'] = async (_parent, { id }, { caller, dependencies }) => {
  await end(dependencies, { userId: requireCaller(caller).userId, sessionId: id });
  return true;
};

export const signOutEverywhere: MutationResolvers['signOutEverywhere'] = async (_parent, _args, context) => {
  await endAllSessions(context.dependencies, requireCaller(context.caller).userId);
  return true;
};
