import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { unauthenticated } from '#platform/errors/errors.ts';
import { findCredentialsOf, lockUser } from '../store/users.ts';
import type { CallerRequest, UserDependencies } from './dependencies.ts';
import { mailToken } from './mail-token.ts';

/**
 * Mails the caller a token that verifies their e-mail. Sends nothing when it is already verified.
 * @throws RATE_LIMITED after too many requests, UNAUTHENTICATED when the account was deleted
 */
export async function requestEmailVerification(
  dependencies: UserDependencies,
  { caller: { userId }, clientAddress, requestId }: Omit<CallerRequest<never>, 'input'>,
): Promise<void> {
  const { database, limits, relay } = dependencies;
  const credentials = await findCredentialsOf(database, userId);
  if (credentials === null) throw unauthenticated();
  if (credentials.user.emailVerifiedAt !== null) return;
  relay.requireRoom();
  await limits.admitMail({ email: credentials.user.email, clientAddress });
  await database.$transaction(async (transaction) => {
    const user = await lockUser(transaction, userId);
    if (user === null) throw unauthenticated();
    if (user.emailVerifiedAt !== null) return;
    await mailToken(transaction, dependencies, { userId, kind: 'EMAIL_VERIFICATION', requestId });
  }, TRANSACTION_LIMITS);
  relay.nudge();
}
