import { importJWK, SignJWT } from 'jose';
import type { PrivateKey } from '#platform/process/config.ts';
import type { User } from '../domain/user.ts';

export type IssueAccessToken = Awaited<ReturnType<typeof createAccessTokenIssuer>>;

/**
 * Returns an issuer of JWTs with the user's id and role and the session's id (`sid`), signed with EdDSA and valid for
 * `ttlS` seconds.
 */
export async function createAccessTokenIssuer({
  privateKey,
  issuer,
  audience,
  ttlS,
}: {
  privateKey: PrivateKey;
  issuer: string;
  audience: string;
  ttlS: number;
}) {
  const key = await importJWK(privateKey, 'EdDSA');
  return async ({ id, role, sessionId }: Pick<User, 'id' | 'role'> & { sessionId: string }, now: Date) => {
    const issuedAtS = Math.floor(now.getTime() / 1_000);
    const expiresAtS = issuedAtS + ttlS;
    const accessToken = await new SignJWT({ role, sid: sessionId })
      .setProtectedHeader({ alg: 'EdDSA', kid: privateKey.kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(id)
      .setIssuedAt(issuedAtS)
      .setExpirationTime(expiresAtS)
      .sign(key);
    return { accessToken, expiresAt: new Date(expiresAtS * 1_000) };
  };
}
