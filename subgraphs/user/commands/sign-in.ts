import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import type { Session } from '../domain/session.ts';
import type { SignInRequest } from '../domain/user-input.ts';
import { findCredentials, lockCredentials } from '../store/users.ts';
import type { CommandRequest, UserDependencies } from './dependencies.ts';
import { issueRefreshToken, sessionOf } from './issue-session.ts';

/**
 * Opens a session. Returns null when the e-mail is unknown or the password is wrong. Both cases take the same time, so
 * that the answer does not reveal which e-mails exist.
 * @throws RATE_LIMITED when there were too many attempts from this client address or for this account
 */
export async function signIn(
  dependencies: UserDependencies,
  { clientAddress, input: { email, password } }: Omit<CommandRequest<SignInRequest>, 'requestId'>,
): Promise<Session | null> {
  const { database, passwords, limits } = dependencies;
  const attempt = { email, clientAddress };
  await limits.admitSignIn(attempt);
  const credentials = await findCredentials(database, email);
  const proven = await passwords.verify(credentials?.passwordHash ?? null, password);
  if (credentials === null || !proven) return null;
  const { user } = credentials;
  await limits.rememberSuccess(attempt);
  const issued = await database.$transaction(async (transaction) => {
    const current = await lockCredentials(transaction, user.id);
    // The password was changed, or the account deleted, while the given one was verified. That has ended all sessions.
    if (current?.passwordHash !== credentials.passwordHash) return null;
    return issueRefreshToken(transaction, dependencies, { userId: user.id });
  }, TRANSACTION_LIMITS);
  return issued && sessionOf(dependencies, { user, ...issued });
}
