import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CONFIG_READERS } from '#scripts/local/services/configuration.ts';
import { perSubgraph, SUBGRAPH_LIST, SUBGRAPHS } from '#services';

type Name = keyof typeof CONFIG_READERS;
const NAMES = Object.keys(CONFIG_READERS) as Name[];

/** Settings that .env cannot change: the listen address, the connections to containers, and files of the image. */
const FIXED =
  /^(HOST|DATABASE_URL|MYSQL_(HOST|PORT|USER|PASSWORD|DATABASE|SSL_\w+)|\w+_(CREDS|TLS_CA)|SUPERGRAPH_PATH|TRUSTED_DOCUMENTS_PATH)$/;

interface Service {
  image: string;
  build?: string;
  command: string[];
  user?: string;
  environment?: Record<string, string | number | null>;
  depends_on?: Record<string, { condition: string }>;
  ports?: string[];
  profiles?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  restart: string;
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  stop_grace_period: string;
  logging: { options: Record<string, string> };
  deploy: { resources: { limits: { memory: string; pids: number } } };
}

const read = (file: string): string => readFileSync(file, 'utf8');
const servicesIn = (file: string): Record<string, Service> => parse(read(file), { merge: true }).services;

const source = read('docker-compose.yml');
const services = servicesIn('docker-compose.yml');
const service = (name: string): Service => {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no ${name}`);
  return found;
};
const example = parseEnv(read('.env.example'));
const packageJson = JSON.parse(read('package.json'));
const dockerfile = read('Dockerfile');

/** Returns a service's variables as compose would set them. A name without a value takes the value from `env`. */
function environmentOf(name: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(service(name).environment ?? {}).flatMap(([variable, value]) => {
    const set = value === null ? env[variable] : interpolate(String(value), env);
    return set === undefined ? [] : [[variable, set]];
  });
  return Object.fromEntries(
    [...dockerfile.matchAll(/(NODE_ENV|HOST)=(\S+)/g)].map(([, key, value]) => [key, value]).concat(own),
  );
}

const interpolate = (text: string, env: NodeJS.ProcessEnv) =>
  text.replace(/\$\{(\w+):-([^}]+)\}/g, (_, variable: string, otherwise: string) => env[variable] || otherwise);

/** Returns the names of the environment variables that a service reads. */
function namesReadBy(name: Name): string[] {
  const names = new Set<string>();
  const env = new Proxy(environmentOf(name, example), {
    get: (target, variable: string) => names.add(variable) && target[variable],
  });
  CONFIG_READERS[name](env);
  return [...names];
}

const OWN_PUBLIC_KEYS =
  '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"own","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';
const OWN_PRIVATE_KEY =
  '{"kty":"OKP","crv":"Ed25519","kid":"own","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}';

/** Secrets as an operator would set them in production. */
const OWN_SECRETS: NodeJS.ProcessEnv = {
  NODE_ENV: 'production',
  ...Object.fromEntries(SUBGRAPHS.map((name) => [`MYSQL_PASSWORD_${name.toUpperCase()}`, `7d1c5a-${name}`])),
  ...perSubgraph('SECRET', (name) => `e3b0c44298fc1c14-${name}`),
  ACCOUNT_MAIL_SECRET: 'e3b0c44298fc1c14-account-mails',
  WEBHOOK_SECRETS_KEY: 'e3b0c44298fc1c14-webhooks',
  JWT_PUBLIC_KEYS: OWN_PUBLIC_KEYS,
  JWT_PRIVATE_KEY: OWN_PRIVATE_KEY,
  TICKET_PUBLIC_KEYS: OWN_PUBLIC_KEYS,
  TICKET_PRIVATE_KEY: OWN_PRIVATE_KEY,
};

describe('the environment of the services in docker-compose.yml', () => {
  it.each(NAMES)('%s accepts .env.example and an empty .env in development', (name) => {
    for (const env of [example, {}]) {
      const config = CONFIG_READERS[name](environmentOf(name, env));
      expect(config).toMatchObject({ NODE_ENV: 'development', HOST: '0.0.0.0' });
    }
  });

  it.each(NAMES)('%s refuses every development secret in production and accepts other secrets', (name) => {
    const shipped = environmentOf(name, { ...example, NODE_ENV: 'production' });
    const secrets = Object.keys(shipped).filter((variable) => /_SECRET$|_KEYS?$|^DATABASE_URL$/.test(variable));
    expect(secrets).toContain('JWT_PUBLIC_KEYS');
    for (const variable of secrets) {
      expect(() => CONFIG_READERS[name](shipped)).toThrow(`${variable}: holds a development secret`);
    }
    const config = CONFIG_READERS[name](environmentOf(name, { ...example, ...OWN_SECRETS }));
    expect(config.NODE_ENV).toBe('production');
  });

  it.each(NAMES)('every setting of %s can be set in .env', (name) => {
    const given = Object.keys(service(name).environment ?? {});
    expect(namesReadBy(name).filter((variable) => !FIXED.test(variable) && !given.includes(variable))).toEqual([]);
  });

  it('every variable that the compose files read is in .env.example', () => {
    const passedOn = NAMES.flatMap((name) => Object.entries(service(name).environment ?? {}))
      .filter(([, value]) => value === null)
      .map(([variable]) => variable);
    const interpolated = [...(source + read('docker-compose.ports.yml')).matchAll(/\$\{(\w+)/g)].map(
      ([, name]) => name,
    );
    expect(passedOn).toContain('BOOKING_QUEUE_MAX');
    expect(interpolated).toContain('MYSQL_ROOT_PASSWORD');
    expect([...passedOn, ...interpolated].filter((variable) => !(String(variable) in example))).toEqual([]);
  });

  it.each(SUBGRAPHS)('the gateway has the address and the secret of the %s subgraph', (name) => {
    const gateway = CONFIG_READERS.gateway(environmentOf('gateway', example)).subgraphs[name];
    const env = environmentOf(name, example);
    expect(gateway.url).toBe(`http://${name}:${CONFIG_READERS[name](env).PORT}/graphql`);
    expect(gateway.secret).toBe(env[`${name.toUpperCase()}_SUBGRAPH_SECRET`]);
  });

  it('the services and the migration use the passwords of the MySQL accounts', () => {
    const made = environmentOf('mysql', example);
    const passwordIn = (url = '') => new URL(url).password;
    for (const name of SUBGRAPHS) {
      const upper = name.toUpperCase();
      expect(passwordIn(environmentOf(name, example).DATABASE_URL)).toBe(made[`MYSQL_PASSWORD_${upper}`]);
      const owner = new URL(environmentOf('migrate', example)[`DATABASE_URL_${upper}`] ?? '');
      expect(owner).toMatchObject({ username: `${name}_owner`, password: made.MYSQL_PASSWORD_OWNER });
    }
  });
});

describe('docker-compose.yml', () => {
  const everything = Object.entries(services);

  it('starts each service after its dependencies are healthy and the migrations have succeeded', () => {
    const needs = (name: string) => Object.keys(service(name).depends_on ?? {}).sort();
    expect(needs('migrate')).toEqual(['mysql']);
    expect(needs('gateway')).toEqual([...SUBGRAPHS, 'nats', 'redis'].sort());
    for (const name of SUBGRAPHS) {
      expect(needs(name)).toEqual(['migrate', 'nats', ...(SUBGRAPH_LIST[name].usesRedis ? ['redis'] : [])]);
    }
    for (const [, { depends_on = {} }] of everything) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        expect(condition).toBe(name === 'migrate' ? 'service_completed_successfully' : 'service_healthy');
        if (name !== 'migrate') expect(service(name).healthcheck?.test?.[0]).toBe('CMD');
      }
    }
    expect(service('migrate')).toMatchObject({ restart: 'no', command: ['node', 'scripts/migrate.ts'] });
  });

  it('uses no Node process for health checks', () => {
    const checked = everything.filter(([, { healthcheck }]) => healthcheck?.test);
    expect(checked.map(([name]) => name)).toEqual(expect.arrayContaining(['gateway', ...SUBGRAPHS]));
    for (const [, { healthcheck }] of checked) expect(healthcheck?.test?.join(' ')).not.toMatch(/\bnode\b/);
  });

  it('publishes only the gateway and the pages of the profiles, on the loopback interface', () => {
    const published = everything.flatMap(([name, { ports = [] }]) =>
      ports.map((port) => `${name} ${interpolate(port, {})}`),
    );
    expect(published).toEqual([
      'gateway 127.0.0.1:4000:4000',
      'mailpit 127.0.0.1:8025:8025',
      'prometheus 127.0.0.1:9090:9090',
      'grafana 127.0.0.1:3000:3000',
    ]);
    expect(service('mailpit').profiles).toEqual(['mail']);
  });

  it('publishes the other ports with docker-compose.ports.yml, on the loopback interface', () => {
    const more = Object.entries(servicesIn('docker-compose.ports.yml'));
    expect(more.map(([name]) => name)).toEqual([...SUBGRAPHS, 'mysql', 'redis', 'nats']);
    for (const [name, { ports = [] }] of more) {
      expect(services).toHaveProperty(name);
      expect(ports.map((port) => interpolate(port, {}))).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+:\d+$/)]);
    }
  });

  it('gives the subgraphs no container name and no host port, so that they can be scaled', () => {
    for (const name of SUBGRAPHS) {
      expect(service(name)).not.toHaveProperty('container_name');
      expect(service(name)).not.toHaveProperty('ports');
    }
  });

  it.each(everything)('restricts the container %s', (_name, container) => {
    expect(container).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges'],
      logging: { options: { 'max-size': '10m', 'max-file': '3' } },
    });
    expect(container.deploy.resources.limits).toMatchObject({ memory: expect.any(String), pids: expect.any(Number) });
  });

  it.each(everything)('pins the image of %s to an exact version', (_name, { image, build }) => {
    expect(image).toMatch(/:v?\d+\.\d+\.\d+(-alpine)?$/);
    if (build !== undefined) expect(image).toBe(`event-booking-system:${packageJson.version}`);
  });

  it('builds one image and runs every service from it', () => {
    expect(new Set([...NAMES, 'migrate'].map((name) => service(name).image))).toEqual(
      new Set([`event-booking-system:${packageJson.version}`]),
    );
    expect(everything.filter(([, { build }]) => build !== undefined).map(([name]) => name)).toEqual(['migrate']);
  });

  it.each(NAMES)('gives %s enough time to stop before it is killed', (name) => {
    const { DRAIN_DELAY_MS, STOP_TIMEOUT_MS } = CONFIG_READERS[name](environmentOf(name, example));
    const graceMs = Number.parseInt(service(name).stop_grace_period, 10) * 1_000;
    expect(DRAIN_DELAY_MS + STOP_TIMEOUT_MS).toBeLessThan(graceMs);
  });

  it('allows as many database connections as 7 processes of each subgraph need', () => {
    const flag = service('mysql').command.find((argument) => argument.startsWith('--max-connections='));
    const pools = SUBGRAPHS.map((name) => CONFIG_READERS[name](environmentOf(name, example)).DATABASE_POOL_MAX);
    expect(7 * pools.reduce((sum, max) => sum + max)).toBeLessThan(Number(flag?.split('=')[1]));
  });
});

describe('Dockerfile', () => {
  it('uses the Node version of package.json', () => {
    const [, version] = /^FROM docker\.io\/library\/node:(\d+\.\d+\.\d+)-trixie-slim AS base$/m.exec(dockerfile) ?? [];
    expect(version).toBe(packageJson.devDependencies.node);
  });

  it('runs as an unprivileged user, with Node as the first process', () => {
    const last = dockerfile.split(/^FROM /m).at(-1);
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toMatch(/^ENTRYPOINT \[\]$/m);
    expect(last).toMatch(/^CMD \["node", /m);
    expect(last).toMatch(/^HEALTHCHECK .*CMD \["bash", "scripts\/healthcheck\.sh"\]$/m);
  });
});
