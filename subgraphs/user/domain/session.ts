import type { User } from './user.ts';

/** The tokens that a user receives after authentication. */
export interface Session {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token expires. */
  readonly expiresAt: Date;
  readonly user: User;
}

/** A stored refresh token and its state at the database's current time. */
export interface StoredSession {
  readonly id: string;
  /** Shared by all tokens that descend from one sign-in. */
  readonly familyId: string;
  readonly used: boolean;
  readonly expired: boolean;
}

/**
 * Decides how a presented refresh token is handled. If the token was used before, somebody has a copy of it. The server
 * cannot distinguish the thief from the owner, so the whole family ends, even if the token has also expired.
 * Source: RFC 9700, 4.14.2.
 */
export function decideRefresh({ used, expired }: StoredSession): 'rotate' | 'end-family' | 'refuse' {
  if (used) return 'end-family';
  return expired ? 'refuse' : 'rotate';
}
