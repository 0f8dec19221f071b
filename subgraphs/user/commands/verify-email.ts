import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { hashToken } from '../credentials/random-tokens.ts';
import type { User } from '../domain/user.ts';
import { findTokenOwner, takeToken } from '../store/account-tokens.ts';
import { lockUser, markEmailVerified } from '../store/users.ts';
import type { CommandRequest, UserDependencies } from './dependencies.ts';

/**
 * Verifies the e-mail of a user with a token from a mail. Returns null when the token is unknown, used or expired.
 * @throws RATE_LIMITED when there were too many attempts from this client address
 */
export async function verifyEmail(
  { database, limits, now }: UserDependencies,
  { clientAddress, input: token }: Omit<CommandRequest<string>, 'requestId'>,
): Promise<User | null> {
  await limits.admitToken(clientAddress);
  const used = { kind: 'EMAIL_VERIFICATION', tokenHash: hashToken(token) } as const;
  return database.$transaction(async (transaction) => {
    const userId = await findTokenOwner(transaction, used);
    const user = userId && (await lockUser(transaction, userId));
    if (!user || !(await takeToken(transaction, used))) return null;
    await markEmailVerified(transaction, user.id);
    return { ...user, emailVerifiedAt: user.emailVerifiedAt ?? now() };
  }, TRANSACTION_LIMITS);
}
