import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { unauthenticated } from '#platform/errors/errors.ts';
import type { User } from '../domain/user.ts';
import type { ChangePasswordRequest } from '../domain/user-input.ts';
import { deleteTokensOf } from '../store/account-tokens.ts';
import { deleteSessionsOf } from '../store/sessions.ts';
import { findCredentialsOf, lockCredentials, setPassword } from '../store/users.ts';
import type { CallerRequest, UserDependencies } from './dependencies.ts';
import { provePassword } from './prove-password.ts';

/**
 * Changes the caller's password and ends their other sessions and mailed tokens. Returns null when the current password
 * is wrong. If several requests change it concurrently, one succeeds.
 * @throws RATE_LIMITED like signIn, UNAUTHENTICATED when the account was deleted
 */
export async function changePassword(
  dependencies: UserDependencies,
  { caller, clientAddress, requestId, input: { currentPassword, newPassword } }: CallerRequest<ChangePasswordRequest>,
): Promise<User | null> {
  const { database, passwords, logger } = dependencies;
  const credentials = await findCredentialsOf(database, caller.userId);
  if (credentials === null) throw unauthenticated();
  if (!(await provePassword(dependencies, { credentials, clientAddress, password: currentPassword }))) return null;
  const passwordHash = await passwords.hash(newPassword);
  const user = await database.$transaction(async (transaction) => {
    const current = await lockCredentials(transaction, caller.userId);
    // The password was changed meanwhile, so the given one is no longer the current one.
    if (current?.passwordHash !== credentials.passwordHash) return null;
    await setPassword(transaction, caller.userId, passwordHash);
    await deleteSessionsOf(transaction, { userId: caller.userId, exceptFamilyId: caller.sessionId });
    await deleteTokensOf(transaction, caller.userId);
    return current.user;
  }, TRANSACTION_LIMITS);
  if (user !== null) logger.info({ userId: user.id, requestId }, 'password changed; the other sessions have ended');
  return user;
}
