import { beforeAll, expect, test } from 'vitest';
import { eachOf, SUBGRAPHS } from '#services';
import type { Secrets } from '../secrets.ts';
import { readSettings } from '../settings.ts';
import { type ServiceSettings, serviceEnvironment } from './service-environment.ts';

let settings: ServiceSettings;
beforeAll(() => {
  const secrets: Secrets = {
    privateKey: { kty: 'OKP', d: 'private' },
    publicKeys: { keys: [{ kty: 'OKP', x: 'public' }] },
    tickets: { privateKey: { kty: 'OKP', d: 'of tickets' }, publicKeys: { keys: [{ kty: 'OKP', x: 'of tickets' }] } },
    subgraphs: eachOf(SUBGRAPHS, (name) => `secret of ${name}`),
    accountMails: 'secret of mailed tokens',
    webhooks: 'secret of webhooks',
    databases: eachOf([...SUBGRAPHS, 'admin'], (name) => `password of ${name}`),
  };
  settings = {
    secrets,
    ports: readSettings({}).ports,
    databaseUrls: eachOf(SUBGRAPHS, (name) => `mysql://${name}`),
    redisUrl: 'redis://cache',
    natsUrl: 'nats://broker',
    env: { PATH: '/bin', DATABASE_URL_USER: 'mysql://given', MYSQL_PASSWORD: 'given', MAX_SEATS_PER_BOOKING: '4' },
  };
});

const holders = (variable: string) =>
  (['gateway', ...SUBGRAPHS] as const).filter((name) => variable in serviceEnvironment(name, settings));

test.each([
  ['JWT_PRIVATE_KEY', ['user']],
  ['ACCOUNT_MAIL_SECRET', ['user', 'notification']],
  ['JWT_PUBLIC_KEYS', ['gateway', ...SUBGRAPHS]],
  ['TICKET_PRIVATE_KEY', ['booking']],
  ['TICKET_PUBLIC_KEYS', ['booking']],
  ['DATABASE_URL', [...SUBGRAPHS]],
  ['NATS_URL', ['gateway', ...SUBGRAPHS]],
  ['REDIS_URL', ['gateway', 'user', 'event', 'booking']],
  ['USER_SUBGRAPH_SECRET', ['gateway', 'user', 'booking']],
  ['USER_SUBGRAPH_URL', ['gateway', 'booking']],
  ['EVENT_SUBGRAPH_SECRET', ['gateway', 'event', 'booking', 'notification']],
  ['EVENT_SUBGRAPH_URL', ['gateway', 'booking', 'notification']],
  ['BOOKING_SUBGRAPH_SECRET', ['gateway', 'booking']],
  ['NOTIFICATION_SUBGRAPH_SECRET', ['gateway', 'notification']],
  ['WEBHOOK_SECRETS_KEY', ['notification']],
  ['DATABASE_URL_USER', []],
  ['MYSQL_PASSWORD', []],
  ['MAX_SEATS_PER_BOOKING', ['gateway', ...SUBGRAPHS]],
])('%s is given only to the services that need it: %j', (variable, names) => {
  expect(holders(variable)).toEqual(names);
});

test('settings in the environment take precedence', () => {
  const env = { EVENT_SUBGRAPH_SECRET: 'given', JWT_PRIVATE_KEY: 'given', NODE_ENV: 'production' };
  expect(serviceEnvironment('booking', { ...settings, env })).toMatchObject({
    EVENT_SUBGRAPH_SECRET: 'given',
    BOOKING_SUBGRAPH_SECRET: 'secret of booking',
    NODE_ENV: 'production',
  });
  expect(serviceEnvironment('user', { ...settings, env })).toMatchObject({ JWT_PRIVATE_KEY: 'given' });
});

test('a service listens on its own port and ignores PORT', () => {
  expect(serviceEnvironment('event', { ...settings, env: { PORT: '9' } })).toMatchObject({ PORT: '4002' });
});

test('all invalid ports are refused in one error', () => {
  expect(() => readSettings({ USER_PORT: 'x', NATS_PORT: '70000' })).toThrow(/USER_PORT.*\n.*NATS_PORT/);
  expect(readSettings({ USER_PORT: '' }).ports.user).toBe(4001);
});
