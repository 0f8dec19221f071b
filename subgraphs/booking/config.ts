import { z } from 'zod';
import {
  integer,
  isUnpublished,
  milliseconds,
  outboxSettings,
  parseConfig,
  publicKeySet,
  redisSettings,
  redisUrl,
  requiredInProduction,
  secrets,
  signingKey,
  streamBytes,
  subgraphSettings,
} from '#platform/process/config.ts';
import { localUrl, SUBGRAPH_LIST } from '#services';
import { bookingStream } from './messaging/contract.ts';

/** The gateway's estimate of costs relies on it. */
const TICKET_KEYS_MAX = 8;

/** Reads the settings. @throws ConfigError, also when the private key's public key is not in TICKET_PUBLIC_KEYS */
export const readConfig = (env: NodeJS.ProcessEnv) =>
  parseConfig(
    {
      ...subgraphSettings('booking', SUBGRAPH_LIST.booking.port),
      BOOKING_SUBGRAPH_SECRET: secrets,
      ...outboxSettings,
      BOOKINGS_STREAM_BYTES_MAX: streamBytes(bookingStream),
      EVENT_SUBGRAPH_SECRET: secrets,
      EVENT_SUBGRAPH_URL: requiredInProduction(z.url().default(localUrl('event'))),
      EVENT_SUBGRAPH_TIMEOUT_MS: milliseconds(1_500),
      USER_SUBGRAPH_SECRET: secrets,
      USER_SUBGRAPH_URL: requiredInProduction(z.url().default(localUrl('user'))),
      USER_SUBGRAPH_TIMEOUT_MS: milliseconds(2_000),
      MAX_SEATS_PER_BOOKING: integer(1, 1_000, 10),
      HOLD_TTL_SECONDS: integer(1, 86_400, 300),
      WAITLIST_HOLD_TTL_SECONDS: integer(1, 2_592_000, 86_400),
      IDEMPOTENCY_TTL_SECONDS: integer(60, 31_536_000, 86_400),
      TICKET_PRIVATE_KEY: signingKey,
      TICKET_PUBLIC_KEYS: publicKeySet,
      BOOKING_QUEUE_MAX: integer(1, 1_000_000, 10_000),
      BOOKING_QUEUE_TIMEOUT_MS: milliseconds(5_000),
      ADMISSION_WAITING_MAX: integer(0, 1_000_000, 0),
      REDIS_URL: redisUrl({ onlyWith: 'ADMISSION_WAITING_MAX' }),
      REDIS_TLS_CA: redisSettings.REDIS_TLS_CA,
    },
    env,
    ({
      TICKET_PRIVATE_KEY: own,
      TICKET_PUBLIC_KEYS: published,
      ADMISSION_WAITING_MAX: waitingMax = 0,
      BOOKING_QUEUE_MAX: queueMax = 1,
    }) => ({
      'TICKET_PRIVATE_KEY: its public key is not among TICKET_PUBLIC_KEYS; add it under the same kid': isUnpublished(
        own,
        published,
      ),
      [`TICKET_PUBLIC_KEYS: holds more than ${TICKET_KEYS_MAX} keys`]:
        published !== undefined && published.keys.length > TICKET_KEYS_MAX,
      'ADMISSION_WAITING_MAX: must be lower than BOOKING_QUEUE_MAX': waitingMax >= queueMax,
    }),
  );
