import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { hashToken } from '../credentials/random-tokens.ts';
import type { Session } from '../domain/session.ts';
import type { ResetPasswordRequest } from '../domain/user-input.ts';
import { deleteTokensOf, findTokenOwner, takeToken } from '../store/account-tokens.ts';
import { deleteSessionsOf } from '../store/sessions.ts';
import { lockUser, markEmailVerified, setPassword } from '../store/users.ts';
import type { CommandRequest, UserDependencies } from './dependencies.ts';
import { issueRefreshToken, sessionOf } from './issue-session.ts';

/**
 * Sets a new password with a token from a mail, ends all sessions of the user and opens a new one. Who has the token
 * receives the user's mail, so the e-mail is verified, too. Returns null when the token is unknown, used or expired. Of
 * several concurrent requests with one token, exactly one succeeds.
 * @throws RATE_LIMITED when there were too many attempts from this client address
 */
export async function resetPassword(
  dependencies: UserDependencies,
  { clientAddress, requestId, input: { token, newPassword } }: CommandRequest<ResetPasswordRequest>,
): Promise<Session | null> {
  const { database, limits, passwords, logger, now } = dependencies;
  await limits.admitToken(clientAddress);
  const used = { kind: 'PASSWORD_RESET', tokenHash: hashToken(token) } as const;
  const userId = await findTokenOwner(database, used);
  if (userId === null) return null;
  // Before the transaction, so that no lock is held during the slow hash.
  const passwordHash = await passwords.hash(newPassword);
  const reset = await database.$transaction(async (transaction) => {
    const user = await lockUser(transaction, userId);
    if (user === null || !(await takeToken(transaction, used))) return null;
    await setPassword(transaction, userId, passwordHash);
    await markEmailVerified(transaction, userId);
    await deleteTokensOf(transaction, userId);
    await deleteSessionsOf(transaction, { userId });
    return {
      user: { ...user, emailVerifiedAt: user.emailVerifiedAt ?? now() },
      ...(await issueRefreshToken(transaction, dependencies, { userId })),
    };
  }, TRANSACTION_LIMITS);
  if (reset === null) return null;
  logger.info({ userId, requestId }, 'password reset; all earlier sessions have ended');
  await limits.rememberSuccess({ email: reset.user.email, clientAddress });
  // If the process crashes before the client has the answer, the token is used up, but the new password is set.
  return sessionOf(dependencies, reset);
}
