import { perSubgraph } from '#services';

/** Public keys as a service is given them; nobody has the private one. */
export const publicKeysText = JSON.stringify({
  keys: [{ kty: 'OKP', crv: 'Ed25519', kid: '2026-11', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
});

/** What every service must be told in production, its secrets aside. */
export const productionEnv: NodeJS.ProcessEnv = {
  NODE_ENV: 'production',
  DATABASE_URL: 'mysql://service:a-password@db.internal:3306/service_db',
  NATS_URL: 'nats://nats.internal:4222',
  REDIS_URL: 'redis://redis.internal:6379',
  JWT_PUBLIC_KEYS: publicKeysText,
  ...perSubgraph('URL', (name) => `http://${name}.internal/graphql`),
};
