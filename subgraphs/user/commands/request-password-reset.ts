import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { findCredentials, lockUser } from '../store/users.ts';
import type { CommandRequest, UserDependencies } from './dependencies.ts';
import { mailToken } from './mail-token.ts';

/**
 * Mails a token that sets a new password. Whether the account exists or not, it executes the same statements and commits
 * a message, so that neither the answer nor its time reveals which e-mails exist.
 * @throws RATE_LIMITED when there were too many requests from this client address or for this e-mail
 */
export async function requestPasswordReset(
  dependencies: UserDependencies,
  { clientAddress, requestId, input: email }: CommandRequest<string>,
): Promise<void> {
  const { database, limits, newId, relay } = dependencies;
  relay.requireRoom();
  await limits.admitMail({ email, clientAddress });
  const credentials = await findCredentials(database, email);
  const userId = credentials?.user.id ?? newId();
  await database.$transaction(async (transaction) => {
    await lockUser(transaction, userId);
    await mailToken(transaction, dependencies, { userId, kind: 'PASSWORD_RESET', requestId });
  }, TRANSACTION_LIMITS);
  relay.nudge();
}
