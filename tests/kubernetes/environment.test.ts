import { beforeAll, describe, expect, it } from 'vitest';
import { databaseUrl, driverOptions } from '#platform/connections/mysql.ts';
import { CONFIG_READERS } from '#scripts/local/services/configuration.ts';
import { eachOf, SUBGRAPH_LIST, SUBGRAPHS, type SubgraphName, subgraphSetting } from '#services';
import { environmentOf, exampleKeys, secretOf } from './support/environment.ts';
import { containersOf, type Manifest, OVERLAYS, oneOf, RENDER, renderOverlay, workloadsOf } from './support/overlay.ts';

const NAMES = Object.keys(CONFIG_READERS) as (keyof typeof CONFIG_READERS)[];

describe.each(OVERLAYS)('the environment of the containers in the %s overlay', (overlay) => {
  let manifests: Manifest[];
  let secret: Record<string, string>;
  beforeAll(async () => {
    manifests = await renderOverlay(overlay);
    secret = secretOf(overlay, manifests);
  }, RENDER);

  const containerOf = (name: string) => {
    const [container] = oneOf(manifests, 'Deployment', name).spec?.template.spec?.containers ?? [];
    if (container === undefined) throw new Error(`The Deployment ${name} has no container.`);
    return container;
  };

  it.each(NAMES)('is accepted by %s, and its Service uses the configured port', (name) => {
    const container = containerOf(name);
    const config = CONFIG_READERS[name](environmentOf(container, manifests, secret));
    expect(config.NODE_ENV).toBe(overlay === 'minikube' ? 'development' : 'production');
    expect(container.ports).toEqual([{ name: 'http', containerPort: config.PORT }]);
    expect(oneOf(manifests, 'Service', name).spec?.ports).toEqual([
      { name: 'http', port: config.PORT, targetPort: 'http' },
    ]);
  });

  it.each(NAMES)('is refused by %s when a value of the secret is missing', (name) => {
    const env = environmentOf(containerOf(name), manifests, { ...secret, JWT_PUBLIC_KEYS: '' });
    expect(() => CONFIG_READERS[name](env)).toThrow('JWT_PUBLIC_KEYS');
  });

  it('gives each service only the secret values that it needs', () => {
    const given = NAMES.map((name) => [name, new Set(containerOf(name).env?.map((variable) => variable.name))]);
    const secretsOf = (names: readonly SubgraphName[]) => names.map((name) => subgraphSetting(name, 'SECRET'));
    const neededBy = (name: SubgraphName) => {
      const { usesRedis, asks = [], privateSettings = [] } = SUBGRAPH_LIST[name];
      const own = privateSettings.filter((setting) => setting !== 'SMTP_TLS');
      const servers = ['DATABASE_URL', 'NATS_URL', ...(usesRedis ? ['REDIS_URL'] : [])];
      return new Set(['JWT_PUBLIC_KEYS', ...servers, ...own, ...secretsOf([name, ...asks])]);
    };
    expect(Object.fromEntries(given)).toEqual({
      gateway: new Set(['JWT_PUBLIC_KEYS', 'NATS_URL', 'REDIS_URL', ...secretsOf(SUBGRAPHS)]),
      ...eachOf(SUBGRAPHS, neededBy),
    });
  });

  it.each(SUBGRAPHS)('gives the gateway the address of the %s Service', (name) => {
    const env = environmentOf(containerOf('gateway'), manifests, secret);
    const port = oneOf(manifests, 'Service', name).spec?.ports?.[0]?.port;
    expect(env[`${name.toUpperCase()}_SUBGRAPH_URL`]).toBe(`http://${name}:${port}/graphql`);
  });

  it('uses every key of the secret "ebs"', () => {
    const used = workloadsOf(manifests)
      .flatMap(containersOf)
      .flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.secretKeyRef))
      .filter((reference) => reference?.name === 'ebs')
      .map((reference) => reference?.key ?? '');
    const keys = new Set(overlay === 'production' ? exampleKeys() : [...Object.keys(secret), 'SMTP_URL']);
    expect(new Set(used)).toEqual(keys);
  });
});

it(
  'production verifies the database certificate in every container that connects to the database',
  async () => {
    const manifests = await renderOverlay('production');
    const secret = secretOf('production', manifests);
    const connecting = workloadsOf(manifests)
      .filter(({ template }) => template.metadata?.labels?.['uses-database'] === 'true')
      .flatMap((workload) => containersOf(workload).map((container) => ({ workload, container })));
    expect(connecting).toHaveLength(2 * SUBGRAPHS.length + 1);
    for (const { workload, container } of connecting) {
      const { MYSQL_SSL_MODE, MYSQL_SSL_CA } = environmentOf(container, manifests, secret);
      const url = databaseUrl({ DATABASE_URL: 'mysql://u:p@db.internal/db', MYSQL_SSL_MODE, MYSQL_SSL_CA });
      expect(driverOptions(url).ssl).toMatchObject({ rejectUnauthorized: true });
      const mounted = container.volumeMounts?.find(({ name }) => name === 'certificates');
      expect(mounted).toMatchObject({ readOnly: true });
      expect(workload.template.spec?.volumes).toContainEqual({
        name: 'certificates',
        configMap: { name: 'certificates' },
      });
    }
  },
  RENDER,
);

it(
  'the minikube secrets are marked as development secrets, which production refuses',
  async () => {
    const manifests = await renderOverlay('minikube');
    const secret = secretOf('minikube', manifests);
    const { REDIS_URL: _redis, NATS_URL: _nats, ...proofs } = secret;
    expect(Object.entries(proofs).filter(([, value]) => !/^development-|[":]development-/.test(value))).toEqual([]);
    for (const name of NAMES) {
      const [container] = oneOf(manifests, 'Deployment', name).spec?.template.spec?.containers ?? [];
      const env = { ...environmentOf(container ?? { name }, manifests, secret), NODE_ENV: 'production' };
      expect(() => CONFIG_READERS[name](env)).toThrow('holds a development secret');
    }
  },
  RENDER,
);
