import {
  integer,
  outboxSettings,
  parseConfig,
  redisSettings,
  secrets,
  streamBytes,
  subgraphSettings,
} from '#platform/process/config.ts';
import { SUBGRAPH_LIST } from '#services';
import { eventStream } from './messaging/contract.ts';

/** Reads the event subgraph's settings. @throws ConfigError when a setting is missing or invalid */
export const readConfig = (env: NodeJS.ProcessEnv) =>
  parseConfig(
    {
      ...subgraphSettings('event', SUBGRAPH_LIST.event.port),
      ...redisSettings,
      EVENT_SUBGRAPH_SECRET: secrets,
      ...outboxSettings,
      EVENTS_STREAM_BYTES_MAX: streamBytes(eventStream),
      CACHE_TTL: integer(1, 86_400, 60),
      CACHE_GRACE: integer(0, 86_400, 3_600),
      IDEMPOTENCY_TTL_SECONDS: integer(60, 31_536_000, 86_400),
    },
    env,
  );
