import type { Session } from '../domain/session.ts';
import type { SignInRequest } from '../domain/user-input.ts';
import { findCredentials } from '../store/users.ts';
import type { UserDependencies } from './dependencies.ts';
import { issueRefreshToken, sessionOf } from './issue-session.ts';

/** Opens a session; null when the e-mail is unknown or the password wrong, which look and last the same. */
export async function signIn(
  dependencies: UserDependencies,
  { email, password }: SignInRequest,
): Promise<Session | null> {
  const { database, passwords } = dependencies;
  const credentials = await findCredentials(database, email);
  const proven = await passwords.verify(credentials?.passwordHash ?? null, password);
  if (credentials === null || !proven) return null;
  const { user } = credentials;
  const refreshToken = await issueRefreshToken(database, dependencies, { userId: user.id });
  return sessionOf(dependencies, { user, refreshToken });
}
