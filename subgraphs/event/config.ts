import { z } from 'zod';
import { integer, parseConfig, secrets, subgraphSettings } from '#platform/config.ts';

/** The event subgraph's settings. @throws ConfigError */
export const readEventConfig = (env: NodeJS.ProcessEnv) =>
  parseConfig(
    {
      ...subgraphSettings(4002, 'event_db'),
      EVENT_SUBGRAPH_SECRET: secrets,
      REDIS_URL: z.string().default('redis://127.0.0.1:6379'),
      CACHE_TTL: integer(1, 86_400, 60),
      CACHE_GRACE: integer(0, 86_400, 3_600),
    },
    env,
  );
