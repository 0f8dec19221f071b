import {
  integer,
  isUnpublished,
  outboxSettings,
  parseConfig,
  protection,
  redisSettings,
  secrets,
  signingKey,
  streamBytes,
  subgraphSettings,
} from '#platform/process/config.ts';
import { SUBGRAPH_LIST } from '#services';
import { userStream } from './messaging/contract.ts';

/** Reads the settings. @throws ConfigError, also when the private key's public key is not in JWT_PUBLIC_KEYS */
export const readConfig = (env: NodeJS.ProcessEnv) =>
  parseConfig(
    {
      ...subgraphSettings('user', SUBGRAPH_LIST.user.port),
      ...redisSettings,
      USER_SUBGRAPH_SECRET: secrets,
      ACCOUNT_MAIL_SECRET: secrets,
      ...outboxSettings,
      USERS_STREAM_BYTES_MAX: streamBytes(userStream),
      JWT_PRIVATE_KEY: signingKey,
      ACCESS_TOKEN_TTL: integer(1, 86_400, 900),
      REFRESH_TOKEN_TTL: integer(1, 31_536_000, 2_592_000),
      USED_REFRESH_TOKEN_KEEP_DAYS: integer(1, 365, 7),
      RATE_LIMITS: protection,
      SIGN_IN_LIMIT_ADDRESS: integer(1, 1_000_000, 30),
      SIGN_UP_LIMIT_ADDRESS: integer(1, 1_000_000, 60),
    },
    env,
    ({ JWT_PRIVATE_KEY: own, JWT_PUBLIC_KEYS: published }) => ({
      'JWT_PRIVATE_KEY: its public key is not among JWT_PUBLIC_KEYS; add it under the same kid': isUnpublished(
        own,
        published,
      ),
    }),
  );
