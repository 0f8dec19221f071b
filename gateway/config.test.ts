import { expect, test } from 'vitest';
import { ConfigError } from '#platform/process/config.ts';
import { productionEnv } from '#platform/testing/production-env.ts';
import { SUBGRAPHS, subgraphSetting } from '#services';
import { readGatewayConfig } from './config.ts';
import { requiredEnv } from './testing/credentials.ts';

const read = (env: NodeJS.ProcessEnv) => readGatewayConfig({ ...requiredEnv, ...env });

test('The gateway sends the first of two secrets', () => {
  const { subgraphs } = read({ USER_SUBGRAPH_SECRET: 'the-new-secret-of-user,the-old-secret-of-user' });
  expect(subgraphs.user).toEqual({ url: 'http://127.0.0.1:4001/graphql', secret: 'the-new-secret-of-user' });
});

test('Apollo Studio and the local explorer are allowed origins in development only', () => {
  expect(read({ PORT: '4100' }).corsOrigins).toEqual([
    'https://studio.apollographql.com',
    'https://sandbox.embed.apollographql.com',
    'http://localhost:4100',
    'http://127.0.0.1:4100',
  ]);
  expect(read(productionEnv).corsOrigins).toEqual([]);
});

test('CORS_ORIGINS sets the allowed origins', () => {
  const { corsOrigins } = read({ ...productionEnv, CORS_ORIGINS: 'https://a.example, https://b.example' });
  expect(corsOrigins).toEqual(['https://a.example', 'https://b.example']);
});

test.each([
  ['JWT_PUBLIC_KEYS', ''],
  ['BOOKING_SUBGRAPH_SECRET', 'short'],
  ['EVENT_SUBGRAPH_URL', 'nowhere'],
  ['CORS_ORIGINS', 'null'],
  ['CORS_ORIGINS', 'https://a.example/'],
  ['SUBGRAPH_TIMEOUT_MS', '10000'],
  ['TRUSTED_PROXIES', 'ingress'],
  ['TRUSTED_PROXIES', '0.0.0.0/0'],
  ['QUERY_COST_MAX', '0'],
  ['TRUSTED_DOCUMENTS', 'maybe'],
])('%s=%s is refused with the name of the variable', (name, value) => {
  expect(() => read({ [name]: value })).toThrow(name);
});

test('CORS_ORIGINS=* allows any origin in development and is refused in production', () => {
  expect(read({ CORS_ORIGINS: '*' }).corsOrigins).toEqual(['*']);
  expect(() => read({ ...productionEnv, CORS_ORIGINS: '*' })).toThrow('CORS_ORIGINS');
});

test('All problems of a production configuration are reported at once, each of them once', () => {
  const problems = problemsOf({
    NODE_ENV: 'production',
    CORS_ORIGINS: '*',
    LIMITS: 'off',
    RATE_LIMITS: 'off',
    USER_SUBGRAPH_SECRET: 'development-secret-of-user',
    BOOKING_SUBGRAPH_SECRET: 'the-secret-of-booking,development-old-one',
    JWT_PUBLIC_KEYS: String(requiredEnv.JWT_PUBLIC_KEYS).replace('"test"', '"development-key"'),
    SUBGRAPH_TIMEOUT_MS: '20000',
  });
  expect(problems).toEqual([
    'JWT_PUBLIC_KEYS: holds a development secret',
    'REDIS_URL: must be set in production',
    'NATS_URL: must be set in production',
    ...SUBGRAPHS.map((name) => `${subgraphSetting(name, 'URL')}: must be set in production`),
    'USER_SUBGRAPH_SECRET: holds a development secret',
    'BOOKING_SUBGRAPH_SECRET: holds a development secret',
    'LIMITS: must not be off in production',
    'RATE_LIMITS: must not be off in production',
    'SUBGRAPH_TIMEOUT_MS: must be below OPERATION_TIMEOUT_MS',
    'CORS_ORIGINS: must name the origins in production',
  ]);
  expect(problemsOf(productionEnv)).toEqual([]);
});

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    read(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace('  - ', ''));
  }
}
