import type { SqlExecutor } from '#platform/database/database.ts';
import { hashToken, newToken } from '../credentials/random-tokens.ts';
import type { Session } from '../domain/session.ts';
import type { User } from '../domain/user.ts';
import { insertSession } from '../store/sessions.ts';
import type { UserDependencies } from './dependencies.ts';

/** A stored refresh token, and the session (family of tokens) that it belongs to. */
interface IssuedToken {
  readonly refreshToken: string;
  readonly sessionId: string;
}

/** Creates, stores and returns a refresh token. Without a `familyId`, the token starts a new family. */
export async function issueRefreshToken(
  executor: SqlExecutor,
  { newId, refreshTokenTtlS }: UserDependencies,
  { userId, familyId = newId() }: { userId: string; familyId?: string },
): Promise<IssuedToken> {
  const refreshToken = newToken();
  const tokenHash = hashToken(refreshToken);
  await insertSession(executor, { id: newId(), familyId, userId, tokenHash, ttlS: refreshTokenTtlS });
  return { refreshToken, sessionId: familyId };
}

/** Returns the session for a stored refresh token, with a new access token. Call it after the commit. */
export async function sessionOf(
  { issueAccessToken, now }: UserDependencies,
  { user, refreshToken, sessionId }: IssuedToken & { user: User },
): Promise<Session> {
  return { ...(await issueAccessToken({ ...user, sessionId }, now())), refreshToken, user };
}
