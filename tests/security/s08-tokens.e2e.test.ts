import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { base64url, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { createSecrets } from '#scripts/local/secrets.ts';
import { anonymous, signUp } from '../support/client.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const NAMES = { iss: 'event-booking-system', aud: 'event-booking-system' };
const nowS = () => Math.floor(Date.now() / 1_000);

type Claims = Record<string, unknown>;

describe('S8: forged, expired and reused tokens are refused', () => {
  let system: TestSystem;
  let userId: string;
  let privateKey: JWK;
  let publicKey: JWK;

  beforeAll(async () => {
    system = await startTestSystem();
    ({ userId } = await signUp(system.graphqlUrl));
    privateKey = system.secrets.privateKey;
    publicKey = system.secrets.publicKeys.keys[0] ?? {};
  });
  afterAll(() => system?.stop());

  const claims = (changes: Claims = {}): Claims => ({
    ...NAMES,
    sub: userId,
    role: 'USER',
    iat: nowS(),
    exp: nowS() + 300,
    ...changes,
  });
  const sign = async (payload: Claims, { key = privateKey, kid = privateKey.kid ?? '' } = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', kid }).sign(await importJWK(key, 'EdDSA'));
  const withHeader = (token: string, header: object) =>
    [base64url.encode(JSON.stringify(header)), ...token.split('.').slice(1)].join('.');
  const withPayload = (token: string, payload: Claims) => {
    const [header, , signature] = token.split('.');
    return [header, base64url.encode(JSON.stringify(payload)), signature].join('.');
  };

  /** Sends the header to the gateway, and directly to the user and the booking subgraph. */
  async function present(authorization: string) {
    const ask = async (url: string, headers: Record<string, string>, query: string) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization, ...headers },
        body: JSON.stringify({ query }),
      });
      return { status: response.status, ...((await response.json()) as { data?: unknown; errors?: unknown }) };
    };
    return Promise.all([
      ask(system.graphqlUrl, {}, '{ me { id } }'),
      ask(`${system.urls.user}/graphql`, { [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs.user }, '{ me { id } }'),
      ask(
        `${system.urls.booking}/graphql`,
        { [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs.booking },
        '{ bookings { nodes { id } } }',
      ),
    ]);
  }
  const UNAUTHENTICATED = { status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };

  it('control: accepts a valid token; each forgery differs from it in one way', async () => {
    const [gateway, user, booking] = await present(`Bearer ${await sign(claims())}`);
    expect(gateway).toEqual({ status: 200, data: { me: { id: userId } } });
    expect(user).toEqual(gateway);
    expect(booking).toEqual({ status: 200, data: { bookings: { nodes: [] } } });
  });

  const forgeries: [what: string, forge: () => string | Promise<string>][] = [
    ['expired', () => sign(claims({ exp: nowS() - 1 }))],
    ['not yet valid', () => sign(claims({ nbf: nowS() + 60 }))],
    ['for another audience', () => sign(claims({ aud: 'another-system' }))],
    ['from another issuer', () => sign(claims({ iss: 'another-system' }))],
    ['without an expiry time', () => sign(claims({ exp: undefined }))],
    ['without a subject', () => sign(claims({ sub: undefined }))],
    ['without a role', () => sign(claims({ role: undefined }))],
    ['unsigned, alg none', () => new UnsecuredJWT(claims()).encode()],
    ['signed, and then marked as alg none', async () => withHeader(await sign(claims()), { alg: 'none' })],
    ['without its signature', async () => (await sign(claims())).replace(/[^.]+$/, '')],
    ['changed after it was signed', async () => withPayload(await sign(claims()), claims({ role: 'ADMIN' }))],
    [
      'signed with the public key as if it were a shared secret, HS256',
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: String(publicKey.kid) })
          .sign(new TextEncoder().encode(JSON.stringify(publicKey))),
    ],
    [
      'signed with the bytes of the public key, HS256',
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: String(publicKey.kid) })
          .sign(base64url.decode(String(publicKey.x))),
    ],
    [
      'signed with another key under our key id',
      async () => sign(claims(), { key: (await createSecrets('')).privateKey }),
    ],
    [
      'signed with another key under an unknown key id',
      async () => sign(claims(), { key: (await createSecrets('')).privateKey, kid: 'strange' }),
    ],
    [
      'signed with a key in its own header',
      async () => {
        const { privateKey: key, publicKeys } = await createSecrets('');
        const header = { alg: 'EdDSA', kid: String(publicKey.kid), jwk: publicKeys.keys[0] ?? {} };
        return new SignJWT(claims()).setProtectedHeader(header).sign(await importJWK(key, 'EdDSA'));
      },
    ],
    [
      'signed with RSA',
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'RS256', kid: String(publicKey.kid) })
          .sign(generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey),
    ],
    ['not a token', () => 'x'],
    ['empty', () => ''],
    ['very long', () => 'x'.repeat(8_000)],
  ];
  it.each(forgeries)('refuses a token that is %s, at the gateway and at the subgraphs', async (_what, forge) => {
    for (const answer of await present(`Bearer ${await forge()}`)) expect(answer).toMatchObject(UNAUTHENTICATED);
  });

  it.each([
    ['another scheme', (token: string) => `Basic ${token}`],
    ['no scheme', (token: string) => token],
    ['two tokens', (token: string) => `Bearer ${token}, Bearer ${token}`],
    ['text after it', (token: string) => `Bearer ${token} x`],
  ])('refuses a valid token with %s', async (_what, write) => {
    for (const answer of await present(write(await sign(claims())))) expect(answer).toMatchObject(UNAUTHENTICATED);
  });

  it('refuses a token that it accepted before as soon as the token expires', async () => {
    const token = `Bearer ${await sign(claims({ exp: nowS() + 2 }))}`;
    expect((await present(token))[0]).toMatchObject({ data: { me: { id: userId } } });
    await expect
      .poll(async () => (await present(token)).map(({ status }) => status), { timeout: 5_000 })
      .toEqual([401, 401, 401]);
  });

  it('ends the session when a refresh token is used a second time', async () => {
    const client = anonymous(system.graphqlUrl);
    const SESSION = '... on Session { refreshToken } ... on DomainError { code }';
    const email = `${randomUUID()}@example.com`;
    const input = { name: 'Ada', email, password: 'correct horse battery' };
    const register = `mutation ($input: CreateUserInput!) { createUser(input: $input) { ${SESSION} } }`;
    const refresh = async (token: string) => {
      const query = `mutation ($token: String!) { refreshSession(refreshToken: $token) { ${SESSION} } }`;
      return (await client.send(query, { token })).data.refreshSession;
    };
    const first = (await client.send(register, { input })).data.createUser.refreshToken;
    const second = (await refresh(first)).refreshToken;
    expect(second).toMatch(/^[\w-]{43}$/);
    expect(await refresh(first)).toEqual({ code: 'INVALID_CREDENTIALS' });
    expect(await refresh(second)).toEqual({ code: 'INVALID_CREDENTIALS' });
  });

  it('publishes the public keys, and no private key', async () => {
    const response = await fetch(`${system.urls.user}/.well-known/jwks.json`);
    expect(response.headers.get('content-type')).toContain('application/jwk-set+json');
    expect(await response.json()).toEqual(system.secrets.publicKeys);
    expect(JSON.stringify(system.secrets.publicKeys)).not.toContain(String(privateKey.d));
  });
});
