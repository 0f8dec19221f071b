import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { changePassword } from './change-password.ts';
import { createUser } from './create-user.ts';
import { deleteAccount } from './delete-account.ts';
import { requestEmailVerification, verifyEmail } from './email-verification.ts';
import { endSession, signOutEverywhere } from './end-sessions.ts';
import { query } from './query.ts';
import { refreshSession } from './refresh-session.ts';
import { requestPasswordReset } from './request-password-reset.ts';
import { resetPassword } from './reset-password.ts';
import { signIn } from './sign-in.ts';
import { signOut } from './sign-out.ts';
import { user } from './user.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: {
    createUser,
    signIn,
    refreshSession,
    signOut,
    endSession,
    signOutEverywhere,
    changePassword,
    requestPasswordReset,
    resetPassword,
    requestEmailVerification,
    verifyEmail,
    deleteAccount,
  },
  Session: {
    /** The request has just authenticated this user, so it may read fields that only the user may see. */
    user: ({ user: of }, _args, { signedIn }) => {
      signedIn.add(of.id);
      return of;
    },
  },
  User: user,
};
