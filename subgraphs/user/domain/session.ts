import type { User } from './user.ts';

/** What a user gets for proving who it is. */
export interface Session {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token expires. */
  readonly expiresAt: Date;
  readonly user: User;
}

/** A refresh token as it is stored, at the database's present time. */
export interface StoredSession {
  readonly id: string;
  /** Shared by all tokens that descend from one sign-in. */
  readonly familyId: string;
  readonly used: boolean;
  readonly expired: boolean;
}

/**
 * What a presented refresh token leads to. A used one is a copy in wrong hands, the thief's or by now the owner's:
 * nobody can tell which, so its whole family ends, even when the token itself has expired. RFC 9700, 4.14.2.
 */
export function decideRefresh({ used, expired }: StoredSession): 'rotate' | 'end-family' | 'refuse' {
  if (used) return 'end-family';
  return expired ? 'refuse' : 'rotate';
}
