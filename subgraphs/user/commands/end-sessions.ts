import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { isId } from '#platform/errors/validation.ts';
import { deleteSessionsOf } from '../store/sessions.ts';
import { lockUser } from '../store/users.ts';
import type { UserDependencies } from './dependencies.ts';

/** Ends one session of a user. Does nothing when the user has no session with this id. */
export async function endSession(
  dependencies: UserDependencies,
  { userId, sessionId }: { userId: string; sessionId: string },
): Promise<void> {
  // The id columns are ASCII: the database refuses to compare them with other text.
  if (isId(sessionId)) await end(dependencies, { userId, familyId: sessionId });
}

/** Ends all sessions of a user. */
export const endAllSessions = (dependencies: UserDependencies, userId: string): Promise<void> =>
  end(dependencies, { userId });

const end = ({ database }: UserDependencies, sessions: { userId: string; familyId?: string }): Promise<void> =>
  database.$transaction(async (transaction) => {
    await lockUser(transaction, sessions.userId);
    await deleteSessionsOf(transaction, sessions);
  }, TRANSACTION_LIMITS);
