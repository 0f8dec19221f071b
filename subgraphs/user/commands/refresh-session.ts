import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { hashRefreshToken } from '../credentials/refresh-tokens.ts';
import { decideRefresh, type Session } from '../domain/session.ts';
import { deleteFamily, findSession, lockSessionOwner, markSessionUsed } from '../store/sessions.ts';
import type { CommandRequest, UserDependencies } from './dependencies.ts';
import { issueRefreshToken, sessionOf } from './issue-session.ts';

/**
 * Exchanges a refresh token, once, for a session with the role that the user has now. Null when the token is unknown,
 * expired or used; a used one ends its family. Of several that exchange one token at once, one gets a session, and
 * the next ends it: a client must not refresh twice in parallel.
 */
export async function refreshSession(
  dependencies: UserDependencies,
  { requestId, input: { refreshToken } }: CommandRequest<{ refreshToken: string }>,
): Promise<Session | null> {
  const tokenHash = hashRefreshToken(refreshToken);
  const rotated = await dependencies.database.$transaction(async (transaction) => {
    const user = await lockSessionOwner(transaction, tokenHash);
    const session = await findSession(transaction, tokenHash);
    if (user === null || session === null) return null;
    const { familyId } = session;
    switch (decideRefresh(session)) {
      case 'refuse':
        return null;
      case 'end-family':
        dependencies.logger.warn({ userId: user.id, familyId, requestId }, 'a used refresh token: its family ends');
        await deleteFamily(transaction, familyId);
        return null;
      case 'rotate':
        await markSessionUsed(transaction, session.id);
        return {
          user,
          refreshToken: await issueRefreshToken(transaction, dependencies, { userId: user.id, familyId }),
        };
    }
  }, TRANSACTION_LIMITS);
  // A crash before the answer arrives: the token is used, its retry ends the family, and the user signs in again.
  return rotated && sessionOf(dependencies, rotated);
}
