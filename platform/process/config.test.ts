import { describe, expect, it } from 'vitest';
import { productionEnv, publicKeysText } from '../testing/production-env.ts';
import {
  brokerSettings,
  ConfigError,
  databaseSettings,
  integer,
  parseConfig,
  processSettings,
  redisSettings,
  redisUrl,
  secrets,
  tokenSettings,
} from './config.ts';

describe('configuration', () => {
  it('reports all problems at once, without any value', () => {
    const shape = { ...processSettings(4000), ...brokerSettings, SECRET: secrets };
    const env = { PORT: 'eighty', LOG_LEVEL: 'loud', SECRET: 'tooshort', NATS_REPLICAS: '9' };
    let message = '';
    try {
      parseConfig(shape, env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      message = error.message;
    }
    for (const name of ['PORT', 'LOG_LEVEL', 'SECRET', 'NATS_REPLICAS']) expect(message).toContain(name);
    expect(message).not.toContain('tooshort');
  });

  it('treats an empty variable as unset', () => {
    expect(parseConfig({ LIMIT: integer(1, 10, 5) }, { LIMIT: '' })).toEqual({ LIMIT: 5 });
  });

  it('accepts two secrets for rotation, but not three', () => {
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(16));
    expect(parseConfig({ SECRET: secrets }, { SECRET: `${one}, ${two}` })).toEqual({ SECRET: [one, two] });
    expect(() => parseConfig({ SECRET: secrets }, { SECRET: `${one},${two},${three}` })).toThrow(ConfigError);
  });

  it('accepts JSON as plain text and in base64url, which needs no quoting', () => {
    const read = (JWT_PUBLIC_KEYS: string) => parseConfig(tokenSettings, { JWT_PUBLIC_KEYS }).JWT_PUBLIC_KEYS;
    expect(read(Buffer.from(publicKeysText).toString('base64url'))).toEqual(read(publicKeysText));
  });

  const [key] = JSON.parse(publicKeysText).keys;
  it.each([
    ...['', '{', '[]', '{"keys":[]}', '{"keys":[{}]}', 'bm8ganNvbg'],
    JSON.stringify({ keys: [{ ...key, d: key.x }] }),
    JSON.stringify({ keys: [{ ...key, crv: 'P-256' }] }),
    JSON.stringify({ keys: [key, { ...key, x: key.x.toLowerCase() }] }),
  ])('refuses the key set %j', (JWT_PUBLIC_KEYS) => {
    expect(() => parseConfig(tokenSettings, { JWT_PUBLIC_KEYS })).toThrow(/JWT_PUBLIC_KEYS/);
  });
});

describe('the settings of servers', () => {
  const shape = { ...databaseSettings('user_db'), ...brokerSettings, ...redisSettings };
  const problemsOf = (env: NodeJS.ProcessEnv) => {
    try {
      parseConfig(shape, env);
      return [];
    } catch (error) {
      return String(error).split('\n').slice(1);
    }
  };

  it('are checked together, and all problems are reported at once without any value', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://u:secret@db.internal/user_db?sslaccept=strict',
      NATS_URL: 'nats://u:secret@a,nats://v:secret@b',
      NATS_TLS_CA: '/nowhere',
      REDIS_URL: 'redis://u@cache.internal',
    });
    expect(problems).toEqual([
      expect.stringMatching(/DATABASE_URL: .*sslaccept/),
      expect.stringMatching(/NATS_URL: .*NATS_TLS_CA/),
      expect.stringMatching(/REDIS_URL: .*password/),
    ]);
    expect(problems.join()).not.toContain('secret');
  });

  it("accept only MySQL's names for TLS modes", () => {
    expect(problemsOf({ MYSQL_HOST: 'db.internal', MYSQL_SSL_MODE: 'verify-identity' })).toEqual([]);
    expect(problemsOf({ MYSQL_HOST: 'db.internal', MYSQL_SSL_MODE: 'disabled' })).toEqual([
      expect.stringContaining('this machine only'),
    ]);
    expect(problemsOf({ MYSQL_SSL_MODE: 'preferred' })).toEqual([expect.stringContaining('MYSQL_SSL_MODE')]);
  });

  it('refuse files that do not exist', () => {
    for (const name of ['MYSQL_SSL_CA', 'NATS_CREDS', 'NATS_TLS_CA']) {
      expect(problemsOf({ [name]: '/nowhere' }).join()).toContain('cannot be read (ENOENT)');
    }
    expect(problemsOf({ REDIS_URL: 'rediss://a', REDIS_TLS_CA: '/nowhere' }).join()).toContain('ENOENT');
  });
});

describe('production', () => {
  const shape = {
    ...processSettings(4000),
    ...databaseSettings('user_db'),
    ...brokerSettings,
    ...redisSettings,
    SECRET: secrets,
  };
  const SECRET = 'a-secret-of-production';
  const problemsOf = (env: NodeJS.ProcessEnv) => {
    try {
      parseConfig(shape, { SECRET, ...env });
      return '';
    } catch (error) {
      return String(error);
    }
  };

  it('accepts a complete configuration', () => {
    expect(problemsOf(productionEnv)).toBe('');
    const parts = { ...productionEnv, DATABASE_URL: '', MYSQL_HOST: 'db.internal', MYSQL_PASSWORD: 'a-password' };
    expect(problemsOf(parts)).toBe('');
  });

  it('refuses the default addresses of servers, which are for a single machine', () => {
    const problems = problemsOf({ NODE_ENV: 'production' });
    for (const name of ['MYSQL_HOST', 'MYSQL_PASSWORD', 'NATS_URL', 'REDIS_URL']) {
      expect(problems).toContain(`${name}: must be set in production`);
    }
    expect(problemsOf({ NODE_ENV: 'development' })).toBe('');
  });

  it('needs the address of an optional Redis only with the setting that uses it', () => {
    const optional = { REDIS_URL: redisUrl({ onlyWith: 'SOME_MAX' }) };
    const read = (env: NodeJS.ProcessEnv) => parseConfig(optional, { NODE_ENV: 'production', ...env }).REDIS_URL;
    for (const SOME_MAX of ['', '0']) expect(read({ SOME_MAX })).toBe('redis://127.0.0.1:6379');
    expect(() => read({ SOME_MAX: '5' })).toThrow('REDIS_URL: must be set in production');
    expect(read({ SOME_MAX: '5', REDIS_URL: 'redis://cache' })).toBe('redis://cache');
  });

  it('refuses a database without a password', () => {
    const env = { ...productionEnv, DATABASE_URL: 'mysql://root@db.internal/user_db' };
    expect(problemsOf(env)).toContain('DATABASE_URL: has no password');
  });

  it.each([
    ['SECRET', 'development-secret-of-user'],
    ['SECRET', 'a-secret-of-production,development-secret-of-user'],
    ['DATABASE_URL', 'mysql://user:development-password@db/user_db'],
    ['REDIS_URL', 'redis://:development-password@redis'],
    ['NATS_URL', 'nats://user:development-password@nats'],
    ['NATS_URL', 'nats://development-token@nats'],
  ])('refuses development secrets: %s=%s', (name, value) => {
    expect(problemsOf({ ...productionEnv, [name]: value })).toContain(`${name}: holds a development secret`);
    expect(problemsOf({ ...productionEnv, [name]: value })).not.toContain('development-');
    expect(problemsOf({ ...productionEnv, [name]: value, NODE_ENV: 'test' })).toBe('');
  });
});
