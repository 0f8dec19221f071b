import { z } from 'zod';
import { type DatabaseAddress, databaseUrl, driverOptions, SSL_MODES } from '../connections/mysql.ts';
import { brokerConnection } from '../connections/nats.ts';
import { redisConnection } from '../connections/redis.ts';
import { AddressError } from '../connections/server-url.ts';

/** The environment is not valid. The message contains all problems. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`Configuration refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

type Settings<Shape extends z.ZodRawShape> = { [Name in keyof Shape]: z.output<Shape[Name]> };

/** Finds problems between settings that are valid on their own. Returns which of the named problems exist. */
export type Check<Shape extends z.ZodRawShape> = (settings: Partial<Settings<Shape>>) => Record<string, boolean>;

/**
 * Reads a service's settings from its environment. An empty variable counts as unset. In production, settings that are
 * marked `requiredInProduction` must be set, settings that are marked `secret` must not be development secrets, and no
 * `protection` may be off.
 * @throws ConfigError that names every missing or malformed variable, but no values
 */
export function parseConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: NodeJS.ProcessEnv,
  check: Check<Shape> = () => ({}),
): Settings<Shape> {
  const isProduction = env.NODE_ENV === 'production';
  const isOn = (name: unknown) => name === undefined || Number(env[String(name)] || 0) > 0;
  const settings: Partial<Settings<Shape>> = {};
  const problems: string[] = [];
  for (const name of Object.keys(shape) as (keyof Shape & string)[]) {
    const schema = shape[name] as z.ZodType;
    const { requiredInProduction, unless = '', onlyWith, secret, password, protection } = schema.meta() ?? {};
    const given = env[name] || undefined;
    const result = schema.safeParse(given);
    if (!result.success) {
      problems.push(...result.error.issues.map(({ message }) => `${name}: ${message}`));
    } else if (isProduction && requiredInProduction && given === undefined && !env[String(unless)] && isOn(onlyWith)) {
      problems.push(`${name}: must be set in production`);
    } else if (isProduction && secret && isDevelopmentSecret(result.data)) {
      problems.push(`${name}: holds a development secret`);
    } else if (isProduction && password && URL.parse(given ?? '')?.password === '') {
      problems.push(`${name}: has no password`);
    } else if (isProduction && protection && result.data === false) {
      problems.push(`${name}: must not be off in production`);
    } else {
      settings[name] = result.data as Settings<Shape>[typeof name];
    }
  }
  const combined = Object.entries(check(settings)).flatMap(([problem, exists]) => (exists ? [problem] : []));
  problems.push(...combined, ...problemsOfServers(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return settings as Settings<Shape>;
}

/** Groups of settings that must be checked together, because they describe the connection to one server. */
const SERVERS: readonly { name: string; connect: (settings: never) => unknown }[] = [
  { name: 'DATABASE_URL', connect: (address: DatabaseAddress) => driverOptions(databaseUrl(address)) },
  { name: 'NATS_URL', connect: brokerConnection },
  { name: 'REDIS_URL', connect: redisConnection },
];

function problemsOfServers(settings: object): string[] {
  return SERVERS.flatMap(({ name, connect }) => {
    if (!(name in settings)) return [];
    try {
      connect(settings as never);
      return [];
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      return [`${name}: ${error.message}`];
    }
  });
}

/**
 * Marks a setting whose default works on one machine only. Production needs it, or the variable `unless`. With
 * `onlyWith`, it is needed only if the number in this variable is above 0.
 */
export const requiredInProduction = <Schema extends z.ZodType>(
  schema: Schema,
  { unless, onlyWith }: { unless?: string; onlyWith?: string } = {},
): Schema =>
  schema.meta({
    ...schema.meta(),
    requiredInProduction: true,
    ...(unless && { unless }),
    ...(onlyWith && { onlyWith }),
  });

/** Marks a setting that holds a secret. */
export const secret = <Schema extends z.ZodType>(schema: Schema): Schema =>
  schema.meta({ ...schema.meta(), secret: true });

/** A switch for limits. They can be off for load tests and conformance suites, but not in production. */
export const protection = z
  .enum(['on', 'off'])
  .default('on')
  .transform((value) => value === 'on')
  .meta({ protection: true });

/** The prefix of all secrets and key ids that are generated or shipped for development. They are public knowledge. */
export const DEVELOPMENT_PREFIX = 'development-';

const isDevelopmentSecret = (value: unknown) =>
  new RegExp(`[":/]${DEVELOPMENT_PREFIX}`).test(JSON.stringify(value) ?? '');

const MINUTE_MS = 60_000;

/** A number of milliseconds, at most a minute, from a decimal environment variable. */
export const milliseconds = (fallback: number) => z.coerce.number().int().min(1).max(MINUTE_MS).default(fallback);

/** A whole number between bounds, from a decimal environment variable. */
export const integer = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

/** The settings of every process. */
export const processSettings = (defaultPort: number) => ({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535, defaultPort),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  DRAIN_DELAY_MS: integer(0, MINUTE_MS, 0),
  STOP_TIMEOUT_MS: milliseconds(15_000),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** The share of requests that the gateway traces. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.01),
  DEBUG_ENDPOINTS: z
    .enum(['on', 'off'])
    .default('off')
    .transform((value) => value === 'on'),
});
export type ProcessSettings = Settings<ReturnType<typeof processSettings>>;

const file = z.string().optional();

/** The connection to a database. DATABASE_URL takes precedence over the MYSQL_ variables. */
export const databaseSettings = (defaultDatabase: string) => ({
  DATABASE_URL: secret(
    z
      .url({ protocol: /^(mysql|mariadb)$/ })
      .optional()
      .meta({ password: true }),
  ),
  MYSQL_HOST: requiredInProduction(z.string().default('127.0.0.1'), { unless: 'DATABASE_URL' }),
  MYSQL_PORT: integer(1, 65_535, 3306),
  MYSQL_USER: z.string().default('root'),
  MYSQL_PASSWORD: secret(requiredInProduction(z.string().default(''), { unless: 'DATABASE_URL' })),
  MYSQL_DATABASE: z.string().default(defaultDatabase),
  MYSQL_SSL_MODE: z.enum(SSL_MODES).optional(),
  MYSQL_SSL_CA: file,
  DATABASE_POOL_MAX: integer(2, 100, 10),
});

/** The maximum size of a stream. A tenth of the minimum has room for all that relays publish in a second. */
export const streamBytes = ({ bytesMax }: { bytesMax: number }) => integer(64 * 2 ** 20, 2 ** 40, bytesMax);

/** The bounds for the unpublished messages of an outbox. The default number of rows takes about a gigabyte of the database's disk. */
export const outboxSettings = {
  OUTBOX_WAITING_ROWS_MAX: integer(1_000, 100_000_000, 1_000_000),
  /** This bound only causes a warning: a message that waits longer is late, but not lost. */
  OUTBOX_WAITING_SECONDS_MAX: integer(1, 604_800, 3_600),
};
export type OutboxBounds = Settings<typeof outboxSettings>;

/** The connection to NATS, for a process that only receives messages. */
export const receiverSettings = {
  NATS_URL: secret(requiredInProduction(z.string().default('nats://127.0.0.1:4222'))),
  NATS_CREDS: file,
  NATS_TLS_CA: file,
  /** Separates several systems on one broker. It is prepended to the names of all subjects, streams and consumers. */
  NATS_SUBJECT_PREFIX: z
    .string()
    .regex(/^([a-z0-9]+\.)?$/)
    .default(''),
};

/** The connection to NATS, for a process that also creates streams. */
export const brokerSettings = { ...receiverSettings, NATS_REPLICAS: integer(1, 5, 1) };

/** The address of Redis. With `onlyWith`, production needs it only if the number in this variable is above 0. */
export const redisUrl = (options: { onlyWith?: string } = {}) =>
  secret(requiredInProduction(z.string().default('redis://127.0.0.1:6379'), options));

/** The connection to Redis, for the cache and for the counters that replicas share. */
export const redisSettings = {
  REDIS_URL: redisUrl(),
  REDIS_TLS_CA: file,
};

/** A shared secret, or two separated by a comma during a rotation. The first is sent, both are accepted. */
export const secrets = secret(
  z
    .string()
    .transform((value) => value.split(',').map((one) => one.trim()))
    .refine((all) => all.length <= 2, 'must hold at most two secrets')
    .pipe(z.tuple([z.string().min(16)]).rest(z.string().min(16))),
);

const KEY_256 = /^[\w-]{43}$/;

/** An Ed25519 public key as a JSON Web Key, RFC 8037. */
const publicKey = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1),
  x: z.string().regex(KEY_256),
});

/** A key set is refused if it contains a private key, which would be published, or two keys with the same id. */
const publicKeys = z
  .object({ keys: z.array(publicKey).min(1) })
  .refine(({ keys }) => !keys.some((key) => 'd' in key))
  .refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length);

export type PublicKeys = z.output<typeof publicKeys>;

const privateKey = z.object({ ...publicKey.shape, d: z.string().regex(KEY_256) });

export type PrivateKey = z.output<typeof privateKey>;

/** Public keys as a JSON Web Key Set with unique ids. */
export const publicKeySet = secret(z.string().transform(jsonOf(publicKeys)));

/** A private key as a JSON Web Key. */
export const signingKey = secret(z.string().transform(jsonOf(privateKey)));

/** True when both settings are valid and the set lacks the public key of the private key. */
export const isUnpublished = (own: PrivateKey | undefined, published: PublicKeys | undefined): boolean =>
  own !== undefined && published?.keys.some(({ kid, x }) => kid === own.kid && x === own.x) === false;

/** The verification of access tokens: issuer, audience, and the public keys as a JSON Web Key Set with unique ids. */
export const tokenSettings = {
  JWT_ISSUER: z.string().default('event-booking-system'),
  JWT_AUDIENCE: z.string().default('event-booking-system'),
  JWT_PUBLIC_KEYS: publicKeySet,
};

/** The settings of every subgraph. */
export const subgraphSettings = (name: string, defaultPort: number) => ({
  ...processSettings(defaultPort),
  ...databaseSettings(`${name}_db`),
  ...brokerSettings,
  ...tokenSettings,
});
export type SubgraphSettings = Settings<ReturnType<typeof subgraphSettings>>;

/** Parses JSON of the given schema, as plain text or in base64url, for use in transform(). */
function jsonOf<Schema extends z.ZodType>(schema: Schema) {
  return (text: string, context: z.RefinementCtx): z.output<Schema> => {
    try {
      const json = text.startsWith('{') ? text : Buffer.from(text, 'base64url').toString();
      const parsed = schema.safeParse(JSON.parse(json));
      if (parsed.success) return parsed.data;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    context.addIssue({ code: 'custom', message: 'is not JSON of the expected form' });
    return z.NEVER;
  };
}

/** Reads a service's configuration. On a ConfigError, writes the problems to standard error and exits with 1. */
export function configOrExit<Config>(read: (env: NodeJS.ProcessEnv) => Config): Config {
  try {
    return read(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
