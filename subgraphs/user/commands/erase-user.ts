import { publishUserDeleted } from '../messaging/user-deleted.ts';
import { deleteTokensOf } from '../store/account-tokens.ts';
import { deleteSessionsOf } from '../store/sessions.ts';
import { anonymizeUser, findUsers, type UserTransaction } from '../store/users.ts';

/**
 * Removes the name, e-mail, password, sessions and tokens of a user, and writes the message `user.deleted.v1`. The row stays
 * under its id, because bookings and events refer to it. Returns the time of the deletion. The caller must have locked
 * the user, who must not be deleted yet.
 */
export async function eraseUser(
  transaction: UserTransaction,
  { userId, messageId, requestId }: { userId: string; messageId: string; requestId: string },
): Promise<Date> {
  await anonymizeUser(transaction, userId);
  await deleteSessionsOf(transaction, { userId });
  await deleteTokensOf(transaction, userId);
  const [user] = await findUsers(transaction, [userId]);
  if (!user?.deletedAt) throw new Error('the deleted user has no time of deletion');
  await publishUserDeleted(transaction, { userId, deletedAt: user.deletedAt, messageId, requestId });
  return user.deletedAt;
}
