import { expect, test } from 'vitest';
import { readGatewayConfig } from './config.ts';
import { requiredEnv } from './testing/credentials.ts';

const read = (env: NodeJS.ProcessEnv) => readGatewayConfig({ ...requiredEnv, ...env });

test('The first of two secrets is the one that is sent', () => {
  const { subgraphs } = read({ USER_SUBGRAPH_SECRET: 'the-new-secret-of-user,the-old-secret-of-user' });
  expect(subgraphs.user).toEqual({ url: 'http://127.0.0.1:4001/graphql', secret: 'the-new-secret-of-user' });
});

test('Apollo Studio and the local explorer may call from a browser in development only', () => {
  expect(read({ PORT: '4100' }).corsOrigins).toEqual([
    'https://studio.apollographql.com',
    'http://localhost:4100',
    'http://127.0.0.1:4100',
  ]);
  expect(read({ NODE_ENV: 'production' }).corsOrigins).toEqual([]);
});

test('Origins are taken from the environment', () => {
  const { corsOrigins } = read({ NODE_ENV: 'production', CORS_ORIGINS: 'https://a.example, https://b.example' });
  expect(corsOrigins).toEqual(['https://a.example', 'https://b.example']);
});

test.each([
  ['JWT_PUBLIC_KEYS', ''],
  ['BOOKING_SUBGRAPH_SECRET', 'short'],
  ['EVENT_SUBGRAPH_URL', 'nowhere'],
  ['CORS_ORIGINS', '*'],
  ['CORS_ORIGINS', 'https://a.example/'],
  ['SUBGRAPH_TIMEOUT_MS', '10000'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => read({ [name]: value })).toThrow(name);
});
