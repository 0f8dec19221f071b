import { perSubgraph } from '#services';

/** Public keys in the format of JWT_PUBLIC_KEYS. The key is the example of RFC 8037, appendix A. */
export const publicKeysText = JSON.stringify({
  keys: [{ kty: 'OKP', crv: 'Ed25519', kid: '2026-11', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
});

/** The variables that services require in production, except the secrets. */
export const productionEnv: NodeJS.ProcessEnv = {
  NODE_ENV: 'production',
  DATABASE_URL: 'mysql://service:a-password@db.internal:3306/service_db',
  NATS_URL: 'nats://nats.internal:4222',
  REDIS_URL: 'redis://redis.internal:6379',
  JWT_PUBLIC_KEYS: publicKeysText,
  ...perSubgraph('URL', (name) => `http://${name}.internal/graphql`),
};
