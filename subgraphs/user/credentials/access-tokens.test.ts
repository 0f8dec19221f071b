import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '#platform/identity/identity.ts';
import { createKeyPair } from '../testing.ts';
import { createAccessTokenIssuer, type IssueAccessToken } from './access-tokens.ts';

const NAMES = { issuer: 'us', audience: 'our clients' };
const SESSION_ID = '01932f5e-0000-7000-8000-000000000002';
const USER = { id: '01932f5e-0000-7000-8000-000000000001', role: 'ADMIN', sessionId: SESSION_ID } as const;

describe('an access token', () => {
  let keys: Awaited<ReturnType<typeof createKeyPair>>;
  let issue: IssueAccessToken;

  beforeAll(async () => {
    keys = await createKeyPair('2026-11');
    issue = await createAccessTokenIssuer({ ...NAMES, privateKey: keys.privateKey, ttlS: 900 });
  });

  it('contains the user id, role, session id, issuer, audience, issue time and expiry, and nothing else', async () => {
    const { accessToken, expiresAt } = await issue(USER, new Date('2026-11-22T09:30:00.999Z'));
    const issuedAtS = Date.parse('2026-11-22T09:30:00Z') / 1_000;
    expect(decodeProtectedHeader(accessToken)).toEqual({ alg: 'EdDSA', kid: '2026-11' });
    expect(decodeJwt(accessToken)).toEqual({
      iss: 'us',
      aud: 'our clients',
      sub: USER.id,
      role: 'ADMIN',
      sid: SESSION_ID,
      iat: issuedAtS,
      exp: issuedAtS + 900,
    });
    expect(expiresAt).toEqual(new Date('2026-11-22T09:45:00Z'));
  });

  it('is accepted with the public key until it expires', async () => {
    const authenticate = createAuthenticator({ ...NAMES, publicKeys: keys.publicKeys });
    const { accessToken } = await issue(USER, new Date());
    expect(await authenticate(`Bearer ${accessToken}`)).toEqual({
      userId: USER.id,
      role: 'ADMIN',
      sessionId: SESSION_ID,
    });
    const { accessToken: expired } = await issue(USER, new Date(Date.now() - 901_000));
    await expect(authenticate(`Bearer ${expired}`)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  });

  it('is refused when it was signed by another key with the same kid', async () => {
    const { publicKeys } = await createKeyPair('2026-11');
    const authenticate = createAuthenticator({ ...NAMES, publicKeys });
    const { accessToken } = await issue(USER, new Date());
    await expect(authenticate(`Bearer ${accessToken}`)).rejects.toMatchObject({
      extensions: { code: 'UNAUTHENTICATED' },
    });
  });
});
