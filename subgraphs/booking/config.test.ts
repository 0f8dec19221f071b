import { expect, test } from 'vitest';
import { publicKeysText } from '#platform/testing/production-env.ts';
import { readConfig } from './config.ts';
import { createTicketKeys } from './tickets/testing.ts';

const keys = createTicketKeys();
const env = (overrides: NodeJS.ProcessEnv = {}) => ({
  JWT_PUBLIC_KEYS: publicKeysText,
  BOOKING_SUBGRAPH_SECRET: 'a secret of the gateway',
  EVENT_SUBGRAPH_SECRET: 'a secret of the gateway',
  USER_SUBGRAPH_SECRET: 'a secret of the gateway',
  TICKET_PRIVATE_KEY: JSON.stringify(keys.privateKey),
  TICKET_PUBLIC_KEYS: JSON.stringify(keys.publicKeys),
  ...overrides,
});
const published = (count: number) =>
  JSON.stringify({
    keys: [
      ...keys.publicKeys.keys,
      ...Array.from({ length: count - 1 }, (_, n) => createTicketKeys(`${n}`).publicKeys.keys[0]),
    ],
  });

test('The key that signs tickets must be among the published ones, of which there are at most 8', () => {
  expect(readConfig(env({ TICKET_PUBLIC_KEYS: published(8) })).TICKET_PRIVATE_KEY.kid).toBe('test');
  expect(() => readConfig(env({ TICKET_PUBLIC_KEYS: published(9) }))).toThrow('holds more than 8 keys');
  const other = JSON.stringify(createTicketKeys().privateKey);
  expect(() => readConfig(env({ TICKET_PRIVATE_KEY: other }))).toThrow('not among TICKET_PUBLIC_KEYS');
  expect(() => readConfig(env({ TICKET_PRIVATE_KEY: '' }))).toThrow('TICKET_PRIVATE_KEY');
});
