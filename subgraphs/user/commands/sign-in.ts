import type { Session } from '../domain/session.ts';
import type { SignInRequest } from '../domain/user-input.ts';
import { findCredentials } from '../store/users.ts';
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
  const refreshToken = await issueRefreshToken(database, dependencies, { userId: user.id });
  return sessionOf(dependencies, { user, refreshToken });
}
