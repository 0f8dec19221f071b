import { z } from 'zod';

/** What is wrong with the environment, every problem at once. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`Configuration refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads a service's settings from its environment. An empty variable counts as unset.
 * @throws ConfigError naming every variable that is missing or malformed, never its value.
 */
export function parseConfig<Shape extends z.ZodRawShape>(shape: Shape, env: NodeJS.ProcessEnv) {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = z.object(shape).safeParse(set);
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
}

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

/** One database: DATABASE_URL wins over the MYSQL_ variables. */
export const databaseSettings = (defaultDatabase: string) => ({
  DATABASE_URL: z.url({ protocol: /^(mysql|mariadb)$/ }).optional(),
  MYSQL_HOST: z.string().default('127.0.0.1'),
  MYSQL_PORT: integer(1, 65_535, 3306),
  MYSQL_USER: z.string().default('root'),
  MYSQL_PASSWORD: z.string().default(''),
  MYSQL_DATABASE: z.string().default(defaultDatabase),
  DATABASE_POOL_MAX: integer(2, 100, 10),
});

/** The message broker. */
export const brokerSettings = {
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  NATS_REPLICAS: integer(1, 5, 1),
  /** Set apart several systems on one broker: prepended to every subject, stream and consumer. */
  NATS_SUBJECT_PREFIX: z
    .string()
    .regex(/^([a-z0-9]+\.)?$/)
    .default(''),
};

/** A shared secret; several, separated by commas, while one is being rotated: the first is sent, all are accepted. */
export const secrets = z
  .string()
  .transform((value) => value.split(',').map((secret) => secret.trim()))
  .refine((all) => all.length <= 2, 'takes two secrets at the most')
  .pipe(z.tuple([z.string().min(16)]).rest(z.string().min(16)));

/** Access tokens: who signs them, for whom, and the public keys as a JSON Web Key Set. */
export const tokenSettings = {
  JWT_ISSUER: z.string().default('event-booking-system'),
  JWT_AUDIENCE: z.string().default('event-booking-system'),
  JWT_PUBLIC_KEYS: z.string().transform(jsonOf(z.object({ keys: z.array(z.looseObject({ kid: z.string() })).min(1) }))),
};

/** Settings that every subgraph has. */
export const subgraphSettings = (defaultPort: number, defaultDatabase: string) => ({
  ...processSettings(defaultPort),
  ...databaseSettings(defaultDatabase),
  ...brokerSettings,
  ...tokenSettings,
});

/** A JSON value of the given schema, for use in transform(). */
export function jsonOf<Schema extends z.ZodType>(schema: Schema) {
  return (text: string, context: z.RefinementCtx): z.output<Schema> => {
    try {
      const parsed = schema.safeParse(JSON.parse(text));
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
