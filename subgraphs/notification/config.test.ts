import { describe, expect, it } from 'vitest';
import { productionEnv, publicKeysText } from '#platform/testing/production-env.ts';
import { readConfig } from './config.ts';

const read = (overrides: NodeJS.ProcessEnv = {}) =>
  readConfig({
    NOTIFICATION_SUBGRAPH_SECRET: 'a secret of the gateway',
    ACCOUNT_MAIL_SECRET: 'a secret of mailed tokens',
    EVENT_SUBGRAPH_SECRET: 'a secret of the event subgraph',
    WEBHOOK_SECRETS_KEY: 'a key for the secrets of webhooks',
    JWT_PUBLIC_KEYS: publicKeysText,
    ...overrides,
  });

describe('the mail settings', () => {
  it('are undefined by default', () => {
    expect(read()).toMatchObject({ PORT: 4004, mail: undefined });
    expect(read({ SMTP_URL: '' }).mail).toBeUndefined();
  });

  it('are read from a URL, with default ports', () => {
    const server = (SMTP_URL: string) => read({ SMTP_URL }).mail?.server;
    expect(server('smtp://mail.example.com')).toEqual({ host: 'mail.example.com', port: 587, secure: false });
    expect(server('smtps://mail.example.com/')).toEqual({ host: 'mail.example.com', port: 465, secure: true });
    expect(server('smtp://[::1]:25')).toEqual({ host: '::1', port: 25, secure: false });
    expect(server('smtp://tickets%40example.com:p%40ss%2F@mail:2525')).toEqual({
      host: 'mail',
      port: 2525,
      secure: false,
      auth: { user: 'tickets@example.com', pass: 'p@ss/' },
    });
  });

  it.each([
    'mail.example.com',
    'http://mail.example.com',
    'smtp://',
    'smtp:mail',
    'smtp://mail:99999',
    'smtp://user:hunter2%zz@mail',
    'smtp://user:hunter2@mail/?pool=false',
  ])('refuse the URL %j and do not print it', (SMTP_URL) => {
    expect(() => read({ SMTP_URL })).toThrow(/SMTP_URL: must be like smtp:/);
    expect(() => read({ SMTP_URL })).not.toThrow(/hunter2/);
  });

  it('require TLS in production and with a password, unless SMTP_TLS overrides it', () => {
    const requiresTls = (env: NodeJS.ProcessEnv) =>
      read({
        SMTP_URL: 'smtp://mail',
        MAIL_FROM: 'tickets@example.com',
        PUBLIC_URL: 'https://shop.example.com',
        ...env,
      }).mail?.requireTls;
    expect(requiresTls({})).toBe(false);
    expect(requiresTls({ SMTP_TLS: 'required' })).toBe(true);
    expect(requiresTls(productionEnv)).toBe(true);
    expect(requiresTls({ SMTP_URL: 'smtp://user:password@mail' })).toBe(true);
    expect(requiresTls({ ...productionEnv, SMTP_TLS: 'optional' })).toBe(false);
  });

  it('require MAIL_FROM in production', () => {
    const env = { ...productionEnv, SMTP_URL: 'smtp://mail', PUBLIC_URL: 'https://shop.example.com' };
    expect(() => read(env)).toThrow('MAIL_FROM: required');
    const from = 'Tickets & more <tickets@shop.example.com>';
    expect(read({ ...env, MAIL_FROM: from }).mail?.from).toBe(from);
  });

  it('require PUBLIC_URL in production, for the links in mails', () => {
    const env = { ...productionEnv, SMTP_URL: 'smtp://mail', MAIL_FROM: 'tickets@example.com' };
    expect(() => read(env)).toThrow('PUBLIC_URL: required');
    expect(read({ ...productionEnv }).PUBLIC_URL).toBe('http://localhost:4000');
    expect(() => read({ PUBLIC_URL: 'javascript:alert(1)' })).toThrow('PUBLIC_URL');
  });

  it.each(['Tickets', 'a@b\r\nBcc: c@d', 'a@b, c@d', 'Tickets <a@b', '<a@b>', 'A\n <a@b>'])(
    'refuse the sender %j',
    (MAIL_FROM) => {
      expect(() => read({ SMTP_URL: 'smtp://mail', MAIL_FROM })).toThrow('MAIL_FROM: must be like');
    },
  );
});

describe('the settings of webhooks', () => {
  it('refuse private addresses unless they are allowed', () => {
    expect(read().WEBHOOK_PRIVATE_ADDRESSES).toBe('refuse');
    expect(read({ WEBHOOK_PRIVATE_ADDRESSES: 'allow' }).WEBHOOK_PRIVATE_ADDRESSES).toBe('allow');
  });

  it('need a key, and must be safe in production', () => {
    expect(() => read({ WEBHOOK_SECRETS_KEY: '' })).toThrow('WEBHOOK_SECRETS_KEY');
    const inProduction = (env: NodeJS.ProcessEnv) => () => read({ ...productionEnv, ...env });
    expect(inProduction({ WEBHOOK_SECRETS_KEY: 'development-webhook-secrets' })).toThrow(
      'WEBHOOK_SECRETS_KEY: holds a development secret',
    );
    expect(inProduction({ WEBHOOK_PRIVATE_ADDRESSES: 'allow' })).toThrow('WEBHOOK_PRIVATE_ADDRESSES: must not be');
    expect(inProduction({})()).toMatchObject({ WEBHOOK_SECRETS_KEY: ['a key for the secrets of webhooks'] });
  });
});
