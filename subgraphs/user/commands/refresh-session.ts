import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { hashToken } from '../credentials/random-tokens.ts';
import { decideRefresh, type Session } from '../domain/session.ts';
import { deleteFamily, findSession, lockSessionOwner, markSessionUsed } from '../store/sessions.ts';
import type { CommandRequest, UserDependencies } from './dependencies.ts';
import { issueRefreshToken, sessionOf } from './issue-session.ts';

/**
 * Exchanges a refresh token for a new session, which has the user's current role. A token can be exchanged once.
 * Returns null when the token is unknown, expired or already used. Reusing a token ends its family. If several requests
 * exchange one token concurrently, one gets a session and the next ends it: a client must not refresh in parallel.
 */
export async function refreshSession(
  dependencies: UserDependencies,
  { requestId, input: { refreshToken } }: CommandRequest<{ refreshToken: string }>,
): Promise<Session | null> {
  const tokenHash = hashToken(refreshToken);
  const rotated = await dependencies.database.$transaction(async (transaction) => {
    const user = await lockSessionOwner(transaction, tokenHash);
    const session = await findSession(transaction, tokenHash);
    if (user === null || session === null) return null;
    const { familyId } = session;
    switch (decideRefresh(session)) {
      case 'refuse':
        return null;
      case 'end-family':
        dependencies.logger.warn(
          { userId: user.id, familyId, requestId },
          'a refresh token was used again; its session family ends',
        );
        await deleteFamily(transaction, familyId);
        return null;
      case 'rotate':
        await markSessionUsed(transaction, session.id);
        return { user, ...(await issueRefreshToken(transaction, dependencies, { userId: user.id, familyId })) };
    }
  }, TRANSACTION_LIMITS);
  // If the process crashes before the client has the answer, the token is used up. A retry then ends the family, and
  // the user must sign in again.
  return rotated && sessionOf(dependencies, rotated);
}
