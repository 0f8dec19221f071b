import type { Credentials } from '../store/users.ts';
import type { UserDependencies } from './dependencies.ts';

/**
 * Returns whether a signed-in user gave their password. Counts like a sign-in, so that a stolen access token does not
 * help to guess the password.
 * @throws RATE_LIMITED after too many attempts
 */
export async function provePassword(
  { limits, passwords }: UserDependencies,
  { credentials, clientAddress, password }: { credentials: Credentials; clientAddress: string; password: string },
): Promise<boolean> {
  const attempt = { email: credentials.user.email, clientAddress };
  await limits.admitSignIn(attempt);
  const isProven = await passwords.verify(credentials.passwordHash, password);
  if (isProven) await limits.rememberSuccess(attempt);
  return isProven;
}
