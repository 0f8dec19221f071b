import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ConfigError, milliseconds, parseConfig, processSettings, secrets, tokenSettings } from '#platform/config.ts';

export type GatewayConfig = ReturnType<typeof readGatewayConfig>;

/** Where a subgraph answers, and what the gateway proves itself with. */
export interface SubgraphSettings {
  readonly url: string;
  readonly secret: string;
}

const subgraphUrl = (port: number) => z.url({ protocol: /^https?$/ }).default(`http://127.0.0.1:${port}/graphql`);

const origins = z
  .string()
  .transform((value) => value.split(',').map((origin) => origin.trim()))
  .pipe(z.array(z.string().refine(isOrigin, 'must be origins like https://shop.example.com, separated by commas')));

/** The gateway's settings. @throws ConfigError */
export function readGatewayConfig(env: NodeJS.ProcessEnv) {
  const settings = parseConfig(
    {
      ...processSettings(4000),
      ...tokenSettings,
      SUPERGRAPH_PATH: z.string().default(fileURLToPath(new URL('supergraph.graphql', import.meta.url))),
      USER_SUBGRAPH_URL: subgraphUrl(4001),
      EVENT_SUBGRAPH_URL: subgraphUrl(4002),
      BOOKING_SUBGRAPH_URL: subgraphUrl(4003),
      NOTIFICATION_SUBGRAPH_URL: subgraphUrl(4004),
      USER_SUBGRAPH_SECRET: secrets,
      EVENT_SUBGRAPH_SECRET: secrets,
      BOOKING_SUBGRAPH_SECRET: secrets,
      NOTIFICATION_SUBGRAPH_SECRET: secrets,
      CORS_ORIGINS: origins.optional(),
      OPERATION_TIMEOUT_MS: milliseconds(10_000),
      SUBGRAPH_TIMEOUT_MS: milliseconds(8_000),
    },
    env,
  );
  if (settings.SUBGRAPH_TIMEOUT_MS >= settings.OPERATION_TIMEOUT_MS) {
    throw new ConfigError(['SUBGRAPH_TIMEOUT_MS: must be below OPERATION_TIMEOUT_MS']);
  }
  const subgraph = (url: string, [secret = '']: readonly string[]): SubgraphSettings => ({ url, secret });
  return {
    ...settings,
    corsOrigins: settings.CORS_ORIGINS ?? defaultOrigins(settings),
    subgraphs: {
      user: subgraph(settings.USER_SUBGRAPH_URL, settings.USER_SUBGRAPH_SECRET),
      event: subgraph(settings.EVENT_SUBGRAPH_URL, settings.EVENT_SUBGRAPH_SECRET),
      booking: subgraph(settings.BOOKING_SUBGRAPH_URL, settings.BOOKING_SUBGRAPH_SECRET),
      notification: subgraph(settings.NOTIFICATION_SUBGRAPH_URL, settings.NOTIFICATION_SUBGRAPH_SECRET),
    },
  };
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** In development Apollo Studio, and the local explorer under either of this machine's names. */
function defaultOrigins({ NODE_ENV, PORT }: { NODE_ENV: string; PORT: number }): string[] {
  if (NODE_ENV !== 'development') return [];
  return ['https://studio.apollographql.com', `http://localhost:${PORT}`, `http://127.0.0.1:${PORT}`];
}
