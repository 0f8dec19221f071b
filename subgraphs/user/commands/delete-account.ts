import { type SqlExecutor, TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { unauthenticated } from '#platform/errors/errors.ts';
import type { DeleteAccountRequest } from '../domain/user-input.ts';
import { findCredentialsOf, findUsers, lockCredentials } from '../store/users.ts';
import type { CallerRequest, UserDependencies } from './dependencies.ts';
import { eraseUser } from './erase-user.ts';
import { provePassword } from './prove-password.ts';

type Outcome = { outcome: 'deleted'; deletedAt: Date } | { outcome: 'wrong-password' } | { outcome: 'admin' };

/**
 * Deletes the caller's account in one transaction, see eraseUser. Repeating it returns the time of the first deletion. The
 * caller's access token stays valid until it expires. Admins are refused: an operator must revoke the role first, so that
 * the last admin cannot disappear by mistake.
 * @throws RATE_LIMITED like signIn
 */
export async function deleteAccount(
  dependencies: UserDependencies,
  { caller, clientAddress, requestId, input: { password } }: CallerRequest<DeleteAccountRequest>,
): Promise<Outcome> {
  const { database, relay, logger, newId } = dependencies;
  const credentials = await findCredentialsOf(database, caller.userId);
  if (credentials === null) return { outcome: 'deleted', deletedAt: await findDeletion(database, caller.userId) };
  relay.requireRoom();
  if (!(await provePassword(dependencies, { credentials, clientAddress, password }))) {
    return { outcome: 'wrong-password' };
  }
  const result = await database.$transaction(async (transaction): Promise<Outcome> => {
    const current = await lockCredentials(transaction, caller.userId);
    // A concurrent request has deleted the account and written the message.
    if (current === null) return { outcome: 'deleted', deletedAt: await findDeletion(transaction, caller.userId) };
    // The password was changed meanwhile, so the given one is no longer the current one.
    if (current.passwordHash !== credentials.passwordHash) return { outcome: 'wrong-password' };
    if (current.user.role === 'ADMIN') return { outcome: 'admin' };
    const erased = { userId: caller.userId, messageId: newId(), requestId };
    return { outcome: 'deleted', deletedAt: await eraseUser(transaction, erased) };
  }, TRANSACTION_LIMITS);
  if (result.outcome === 'deleted') {
    relay.nudge();
    logger.info({ userId: caller.userId, requestId }, 'account deleted');
  }
  return result;
}

/** Returns when a user deleted their account. @throws UNAUTHENTICATED when there is no such user */
async function findDeletion(executor: SqlExecutor, userId: string): Promise<Date> {
  const [user] = await findUsers(executor, [userId]);
  if (!user?.deletedAt) throw unauthenticated();
  return user.deletedAt;
}
