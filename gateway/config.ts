import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import {
  integer,
  milliseconds,
  parseConfig,
  processSettings,
  protection,
  receiverSettings,
  redisSettings,
  requiredInProduction,
  secrets,
  tokenSettings,
} from '#platform/process/config.ts';
import { eachOf, GATEWAY_PORT, localUrl, perSubgraph, SUBGRAPHS, type SubgraphName, subgraphSetting } from '#services';

export type GatewayConfig = ReturnType<typeof readGatewayConfig>;

const ANY_ORIGIN = '*';

const subgraphUrl = (name: SubgraphName) =>
  requiredInProduction(z.url({ protocol: /^https?$/ }).default(localUrl(name)));

const listOf = (rule: (text: string) => boolean, message: string) =>
  z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim()))
    .pipe(z.array(z.string().refine(rule, message)));

const isOrigin = (text: string): boolean =>
  text === ANY_ORIGIN || (URL.canParse(text) && new URL(text).origin === text);

/** Refuses /0 networks: if every address were a trusted proxy, any client could forge X-Forwarded-For. */
const isNetwork = (text: string): boolean =>
  isIP(text) !== 0 || (ipaddr.isValidCIDR(text) && ipaddr.parseCIDR(text)[1] > 0);

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The limits of one operation; see query-limits.ts. */
const queryLimits = {
  QUERY_TOKENS_MAX: integer(10, 100_000, 1_000),
  /** Fields and fragments. The content of a fragment counts each time the fragment is used. */
  QUERY_SELECTIONS_MAX: integer(10, 100_000, 1_000),
  /** Levels of fields. Fragments do not add a level. */
  QUERY_DEPTH_MAX: integer(2, 100, 10),
  QUERY_ALIASES_MAX: integer(0, 10_000, 15),
  QUERY_ROOT_FIELDS_MAX: integer(1, 1_000, 10),
  QUERY_DIRECTIVES_MAX: integer(0, 1_000, 20),
  /** The cost in objects. See estimateCost. */
  QUERY_COST_MAX: integer(1, 10_000_000, 5_000),
  /** The same for each answer of a subscription, which may come several times a second. */
  SUBSCRIPTION_COST_MAX: integer(1, 10_000_000, 250),
  VARIABLES_MAX: integer(1, 10_000, 50),
};
export type QueryLimits = z.output<z.ZodObject<typeof queryLimits>>;

/** The limits of streams, for each process. */
const liveSettings = {
  LIVE_STREAMS_MAX: integer(1, 100_000, 10_000),
  LIVE_STREAMS_USER_MAX: integer(1, 100_000, 10),
  LIVE_STREAMS_ADDRESS_MAX: integer(1, 100_000, 200),
  /** Below the 30 s after which the server closes a silent connection. */
  LIVE_HEARTBEAT_MS: integer(1_000, 25_000, 15_000),
  LIVE_IDLE_SECONDS_MAX: integer(1, 86_400, 900),
  LIVE_AGE_SECONDS_MAX: integer(1, 86_400, 1_800),
  /** What may wait for one client, besides the buffers of the operating system. */
  LIVE_BUFFER_BYTES_MAX: integer(1_024, 16_777_216, 65_536),
  /** The shortest time between two answers about one event. */
  LIVE_INTERVAL_MS: milliseconds(250),
  /** The updates to all clients. With many clients, the time between two answers grows. */
  LIVE_UPDATES_PER_SECOND_MAX: integer(1, 1_000_000, 4_000),
};
export type LiveSettings = z.output<z.ZodObject<typeof liveSettings>>;

/** Reads the gateway's settings. @throws ConfigError that names every missing or malformed variable */
export function readGatewayConfig(env: NodeJS.ProcessEnv) {
  const settings = parseConfig(
    {
      ...processSettings(GATEWAY_PORT),
      ...tokenSettings,
      ...redisSettings,
      ...receiverSettings,
      ...queryLimits,
      ...liveSettings,
      BODY_BYTES_MAX: integer(1_024, 16_777_216, 262_144),
      SUPERGRAPH_PATH: z.string().default(here('supergraph.graphql')),
      ...perSubgraph('URL', subgraphUrl),
      ...perSubgraph('SECRET', () => secrets),
      CORS_ORIGINS: listOf(isOrigin, 'must be origins like https://shop.example.com, separated by commas').optional(),
      TRUSTED_PROXIES: listOf(
        isNetwork,
        'must be addresses or networks like 10.0.0.0/8, separated by commas',
      ).optional(),
      OPERATION_TIMEOUT_MS: milliseconds(10_000),
      SUBGRAPH_TIMEOUT_MS: milliseconds(8_000),
      SUBGRAPH_QUERY_TIMEOUT_MS: milliseconds(2_000),
      LIMITS: protection,
      RATE_LIMITS: protection,
      RATE_LIMIT_USER: integer(1, 1_000_000, 600),
      RATE_LIMIT_ADDRESS: integer(1, 1_000_000, 3_000),
      BOX_OFFICE: z.enum(['on', 'off']).optional(),
      TRUSTED_DOCUMENTS: z.enum(['off', 'log', 'enforce']).default('off'),
      TRUSTED_DOCUMENTS_PATH: z.string().default(here('generated/trusted-documents/persisted-documents.json')),
    },
    env,
    ({
      NODE_ENV,
      SUBGRAPH_TIMEOUT_MS = NaN,
      SUBGRAPH_QUERY_TIMEOUT_MS = NaN,
      OPERATION_TIMEOUT_MS = NaN,
      CORS_ORIGINS,
    }) => ({
      'SUBGRAPH_TIMEOUT_MS: must be below OPERATION_TIMEOUT_MS': SUBGRAPH_TIMEOUT_MS >= OPERATION_TIMEOUT_MS,
      'SUBGRAPH_QUERY_TIMEOUT_MS: must not be above SUBGRAPH_TIMEOUT_MS':
        SUBGRAPH_QUERY_TIMEOUT_MS > SUBGRAPH_TIMEOUT_MS,
      'CORS_ORIGINS: must name the origins in production':
        NODE_ENV === 'production' && CORS_ORIGINS?.includes(ANY_ORIGIN) === true,
    }),
  );
  return {
    ...settings,
    servesBoxOffice: (settings.BOX_OFFICE ?? (settings.NODE_ENV === 'development' ? 'on' : 'off')) === 'on',
    corsOrigins: settings.CORS_ORIGINS ?? defaultOrigins(settings),
    /** The addresses of the subgraphs, and the secrets that authenticate the gateway to them. */
    subgraphs: eachOf(SUBGRAPHS, (name) => ({
      url: settings[subgraphSetting(name, 'URL')],
      secret: settings[subgraphSetting(name, 'SECRET')][0],
    })),
  };
}

/** Development allows Apollo Studio and the local explorer, under both names of this machine. Others allow none. */
function defaultOrigins({ NODE_ENV, PORT }: { NODE_ENV: string; PORT: number }): string[] {
  if (NODE_ENV !== 'development') return [];
  return ['https://studio.apollographql.com', `http://localhost:${PORT}`, `http://127.0.0.1:${PORT}`];
}
