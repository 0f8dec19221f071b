import { beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { createKeyPair } from './testing.ts';

describe('readUserConfig', () => {
  let keys: Awaited<ReturnType<typeof createKeyPair>>;
  const env = (overrides: NodeJS.ProcessEnv = {}) => ({
    USER_SUBGRAPH_SECRET: 'a secret of the gateway',
    ACCOUNT_MAIL_SECRET: 'a secret of mailed tokens',
    JWT_PRIVATE_KEY: JSON.stringify(keys.privateKey),
    JWT_PUBLIC_KEYS: JSON.stringify(keys.publicKeys),
    ...overrides,
  });

  beforeAll(async () => {
    keys = await createKeyPair('mine');
  });

  it('defaults to access tokens of 15 minutes and refresh tokens of 30 days', () => {
    expect(readConfig(env())).toMatchObject({ PORT: 4001, ACCESS_TOKEN_TTL: 900, REFRESH_TOKEN_TTL: 2_592_000 });
  });

  it('accepts a private key whose public key is one of several', async () => {
    const next = await createKeyPair('next');
    const published = JSON.stringify({ keys: [...next.publicKeys.keys, ...keys.publicKeys.keys] });
    expect(readConfig(env({ JWT_PUBLIC_KEYS: published })).JWT_PRIVATE_KEY.kid).toBe('mine');
  });

  it('refuses a private key if no public key has both its kid and its value', async () => {
    const renamed = JSON.stringify({ ...keys.privateKey, kid: 'unknown' });
    expect(() => readConfig(env({ JWT_PRIVATE_KEY: renamed }))).toThrow('not among JWT_PUBLIC_KEYS');
    const other = JSON.stringify((await createKeyPair('mine')).privateKey);
    expect(() => readConfig(env({ JWT_PRIVATE_KEY: other }))).toThrow('not among JWT_PUBLIC_KEYS');
  });

  it('refuses a missing or malformed key and does not print it', () => {
    expect(() => readConfig(env({ JWT_PRIVATE_KEY: '' }))).toThrow('JWT_PRIVATE_KEY');
    const broken = JSON.stringify({ ...keys.privateKey, crv: 'P-256' });
    expect(() => readConfig(env({ JWT_PRIVATE_KEY: broken }))).toThrow('is not JSON of the expected form');
    expect(() => readConfig(env({ JWT_PRIVATE_KEY: broken }))).not.toThrow(keys.privateKey.d);
  });
});
