import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Authenticate, clientAddressOf, createAuthenticator, isGatewayProof, isSelfOrAdmin } from './identity.ts';

const ISSUER = 'the-issuer';
const AUDIENCE = 'the-audience';

describe('an access token', () => {
  let privateKey: CryptoKey;
  let authenticate: Authenticate;

  beforeAll(async () => {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    privateKey = pair.privateKey;
    const publicKey = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'EdDSA' };
    authenticate = createAuthenticator({ publicKeys: { keys: [publicKey] }, issuer: ISSUER, audience: AUDIENCE });
  });

  const token = (claims: JWTPayload = {}, { key = privateKey, alg = 'EdDSA', kid = 'k1' } = {}) => {
    const nowS = Math.floor(Date.now() / 1_000);
    return new SignJWT({ sub: 'ada', role: 'USER', iss: ISSUER, aud: AUDIENCE, exp: nowS + 60, ...claims })
      .setProtectedHeader({ alg, kid })
      .sign(key);
  };
  const refused = expect.objectContaining({ extensions: expect.objectContaining({ code: 'UNAUTHENTICATED' }) });

  it('identifies the caller, also when it comes from the cache', async () => {
    const authorization = `Bearer ${await token()}`;
    expect(await authenticate(authorization)).toEqual({ userId: 'ada', role: 'USER' });
    expect(await authenticate(authorization)).toEqual({ userId: 'ada', role: 'USER' });
  });

  it('is not required from an anonymous caller', async () => expect(await authenticate(undefined)).toBeNull());

  it('with an unknown role gives the role USER', async () => {
    expect(await authenticate(`Bearer ${await token({ role: 'ROOT' })}`)).toEqual({ userId: 'ada', role: 'USER' });
  });

  it.each([
    ['has expired', { exp: 1 }],
    ['is not valid yet', { nbf: 4_000_000_000 }],
    ['is from another issuer', { iss: 'mallory' }],
    ['is for another audience', { aud: 'others' }],
    ['has no subject', { sub: undefined }],
    ['never expires', { exp: undefined }],
  ])('is refused when it %s', async (_why, claims) => {
    await expect(authenticate(`Bearer ${await token(claims as JWTPayload)}`)).rejects.toEqual(refused);
  });

  it('is refused when another key signed it', async () => {
    const { privateKey: key } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    await expect(authenticate(`Bearer ${await token({}, { key })}`)).rejects.toEqual(refused);
  });

  it.each(['Bearer x', 'Bearer a.b.c', 'Basic YTpi', 'Bearer ', '', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.'])(
    'is refused in the form %j',
    async (authorization) => await expect(authenticate(authorization)).rejects.toEqual(refused),
  );
});

describe("the gateway's proof", () => {
  const accepted = ['a-secret-of-the-gateway', 'the-secret-after-it'];

  it('is any of the accepted secrets', () => {
    for (const secret of accepted) expect(isGatewayProof(secret, accepted)).toBe(true);
  });

  it.each([undefined, '', 'a-secret-of-the-gatewaz', 'a-secret-of-the-gateway2', ['a-secret-of-the-gateway']])(
    'is not %j',
    (header) => expect(isGatewayProof(header, accepted)).toBe(false),
  );
});

describe('the data of a user', () => {
  it('is open to that user and to admins', () => {
    expect(isSelfOrAdmin({ userId: 'ada', role: 'USER' }, 'ada')).toBe(true);
    expect(isSelfOrAdmin({ userId: 'root', role: 'ADMIN' }, 'ada')).toBe(true);
    expect(isSelfOrAdmin({ userId: 'bob', role: 'USER' }, 'ada')).toBe(false);
    expect(isSelfOrAdmin(null, 'ada')).toBe(false);
  });
});

describe('a client’s address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['192.0.2.1:5678', 'unknown'],
    ['_hidden', 'unknown'],
    ['', 'unknown'],
  ])('%j is counted as %j', (ip, client) => expect(clientAddressOf(ip)).toBe(client));
});
