import { z } from 'zod';
import { type DatabaseAddress, databaseUrl, driverOptions, SSL_MODES } from '../connections/mysql.ts';
import { brokerConnection } from '../connections/nats.ts';
import { redisConnection } from '../connections/redis.ts';
import { AddressError } from '../connections/server-url.ts';

/** What is wrong with the environment, every problem at once. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`Configuration refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

type Settings<Shape extends z.ZodRawShape> = { [Name in keyof Shape]: z.output<Shape[Name]> };

/** Looks at what could be read and answers what is wrong with it taken together. */
export type Check<Shape extends z.ZodRawShape> = (settings: Partial<Settings<Shape>>) => readonly string[];

/**
 * Reads a service's settings from its environment. An empty variable counts as unset. In production what is marked
 * `requiredInProduction` must be set, what is marked `secret` must be no development secret, and no `protection` may be off.
 * @throws ConfigError naming every variable that is missing or malformed, never its value.
 */
export function parseConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: NodeJS.ProcessEnv,
  check: Check<Shape> = () => [],
): Settings<Shape> {
  const isProduction = env.NODE_ENV === 'production';
  const settings: Partial<Settings<Shape>> = {};
  const problems: string[] = [];
  for (const name of Object.keys(shape) as (keyof Shape & string)[]) {
    const schema = shape[name] as z.ZodType;
    const { requiredInProduction, unless = '', secret, password, protection } = schema.meta() ?? {};
    const given = env[name] || undefined;
    const result = schema.safeParse(given);
    if (!result.success) {
      problems.push(...result.error.issues.map(({ message }) => `${name}: ${message}`));
    } else if (isProduction && requiredInProduction && given === undefined && !env[String(unless)]) {
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
  problems.push(...check(settings), ...problemsOfServers(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return settings as Settings<Shape>;
}

/** How each server is reached, in settings that only make sense together. */
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

/** Marks a setting whose default serves one machine only; production must name it, or the one in `unless`. */
export const requiredInProduction = <Schema extends z.ZodType>(
  schema: Schema,
  { unless }: { unless?: string } = {},
): Schema => schema.meta({ ...schema.meta(), requiredInProduction: true, ...(unless && { unless }) });

/** Marks a setting that holds a secret. */
export const secret = <Schema extends z.ZodType>(schema: Schema): Schema =>
  schema.meta({ ...schema.meta(), secret: true });

/** Limits that can be off for load tests and conformance suites, never in production. */
export const protection = z
  .enum(['on', 'off'])
  .default('on')
  .transform((value) => value === 'on')
  .meta({ protection: true });

/** What begins the secrets, and the ids of the keys, that are made or shipped for development: everybody may know them. */
export const DEVELOPMENT_PREFIX = 'development-';

const isDevelopmentSecret = (value: unknown) =>
  new RegExp(`[":/]${DEVELOPMENT_PREFIX}`).test(JSON.stringify(value) ?? '');

const MINUTE_MS = 60_000;

/** Milliseconds, from a decimal environment variable. */
export const milliseconds = (fallback: number) => z.coerce.number().int().min(1).max(MINUTE_MS).default(fallback);

/** A whole number between bounds, from a decimal environment variable. */
export const integer = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

/** Settings that every process has. */
export const processSettings = (defaultPort: number) => ({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535, defaultPort),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  DRAIN_DELAY_MS: integer(0, MINUTE_MS, 0),
  STOP_TIMEOUT_MS: milliseconds(15_000),
});

/** A file, by its path. */
const file = z.string().optional();

/** One database: DATABASE_URL wins over the MYSQL_ variables. */
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

/** The disk that a stream may take, by its own default. A tenth of it has room for what all relays publish in a second. */
export const streamBytes = ({ bytesMax }: { bytesMax: number }) => integer(64 * 2 ** 20, 2 ** 40, bytesMax);

/** What a publisher's outbox may hold: about a gigabyte, which is what to plan a database's disk with. */
export const outboxSettings = {
  OUTBOX_WAITING_ROWS_MAX: integer(1_000, 100_000_000, 1_000_000),
  OUTBOX_WAITING_SECONDS_MAX: integer(1, 604_800, 3_600),
};

/** The message broker. */
export const brokerSettings = {
  NATS_URL: secret(requiredInProduction(z.string().default('nats://127.0.0.1:4222'))),
  NATS_CREDS: file,
  NATS_TLS_CA: file,
  NATS_REPLICAS: integer(1, 5, 1),
  /** Set apart several systems on one broker: prepended to every subject, stream and consumer. */
  NATS_SUBJECT_PREFIX: z
    .string()
    .regex(/^([a-z0-9]+\.)?$/)
    .default(''),
};

/** The cache, and the counters that replicas share. */
export const redisSettings = {
  REDIS_URL: secret(requiredInProduction(z.string().default('redis://127.0.0.1:6379'))),
  REDIS_TLS_CA: file,
};

/** A shared secret; several, separated by commas, while one is being rotated: the first is sent, all are accepted. */
export const secrets = secret(
  z
    .string()
    .transform((value) => value.split(',').map((one) => one.trim()))
    .refine((all) => all.length <= 2, 'takes two secrets at the most')
    .pipe(z.tuple([z.string().min(16)]).rest(z.string().min(16))),
);

const KEY_256 = /^[\w-]{43}$/;

/** An Ed25519 key as a JSON Web Key, RFC 8037. */
const publicKey = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1),
  x: z.string().regex(KEY_256),
});

/** Refused with a private half, which would be published, and when one id names two keys. */
const publicKeys = z
  .object({ keys: z.array(publicKey).min(1) })
  .refine(({ keys }) => !keys.some((key) => 'd' in key))
  .refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length);

export const privateKey = z.object({ ...publicKey.shape, d: z.string().regex(KEY_256) });

export type PrivateKey = z.output<typeof privateKey>;

/** Access tokens: who signs them, for whom, and the public keys as a JSON Web Key Set, each with its own kid. */
export const tokenSettings = {
  JWT_ISSUER: z.string().default('event-booking-system'),
  JWT_AUDIENCE: z.string().default('event-booking-system'),
  JWT_PUBLIC_KEYS: secret(z.string().transform(jsonOf(publicKeys))),
};

/** Settings that every subgraph has. */
export const subgraphSettings = (name: string, defaultPort: number) => ({
  ...processSettings(defaultPort),
  ...databaseSettings(`${name}_db`),
  ...brokerSettings,
  ...tokenSettings,
});

/** A JSON value of the given schema, as it is or in base64url, for use in transform(). */
export function jsonOf<Schema extends z.ZodType>(schema: Schema) {
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

/** Runs a service's configuration reader; on a refusal says why on standard error and exits with 1. */
export function configOrExit<Config>(read: (env: NodeJS.ProcessEnv) => Config): Config {
  try {
    return read(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
