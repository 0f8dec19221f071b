import type { User } from './user.ts';

/** The tokens that a user receives after authentication. */
export interface Session {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token expires. */
  readonly expiresAt: Date;
  readonly user: User;
}

/** A session that has neither ended nor expired. */
export interface ActiveSession {
  /** The id of its family of refresh tokens. */
  readonly id: string;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

/** Returns when a session began, to the millisecond. The id of a family is a UUIDv7, which begins with its time. */
export const beginOf = ({ id }: Pick<ActiveSession, 'id'>): Date =>
  new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16));

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
