import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import type { Session } from '../domain/session.ts';
import type { User } from '../domain/user.ts';
import type { CreateUserRequest } from '../domain/user-input.ts';
import { publishUserRegistered } from '../messaging/user-registered.ts';
import { insertUser } from '../store/users.ts';
import type { CommandRequest, UserDependencies } from './dependencies.ts';
import { issueRefreshToken, sessionOf } from './issue-session.ts';

/**
 * Registers a user, opens their first session and writes the `user.registered.v1` message, all in one transaction. The
 * password is hashed before the transaction, so that no lock is held during the slow hash.
 * @throws RATE_LIMITED when the client address has registered too many users
 */
export async function createUser(
  dependencies: UserDependencies,
  { requestId, clientAddress, input: { name, email, password } }: CommandRequest<CreateUserRequest>,
): Promise<{ outcome: 'registered'; session: Session } | { outcome: 'email-taken' }> {
  const { database, relay, passwords, limits, now, newId } = dependencies;
  relay.requireRoom();
  await limits.admitSignUp(clientAddress);
  const passwordHash = await passwords.hash(password);
  const user: User = {
    id: newId(),
    name,
    email,
    role: 'USER',
    createdAt: now(),
    emailVerifiedAt: null,
    deletedAt: null,
  };
  const issued = await database.$transaction(async (transaction) => {
    if (!(await insertUser(transaction, user, passwordHash))) return null;
    await publishUserRegistered(transaction, { user, messageId: newId(), requestId });
    return issueRefreshToken(transaction, dependencies, { userId: user.id });
  }, TRANSACTION_LIMITS);
  if (issued === null) return { outcome: 'email-taken' };
  relay.nudge();
  await limits.rememberSuccess({ email, clientAddress });
  return { outcome: 'registered', session: await sessionOf(dependencies, { user, ...issued }) };
}
