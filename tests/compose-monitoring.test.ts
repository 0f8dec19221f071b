import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '#scripts/local/settings.ts';
import { SERVICES } from '#services';

const readYaml = (file: string) => parse(readFileSync(join(root, file), 'utf8'), { merge: true });

const { services, volumes: namedVolumes } = readYaml('docker-compose.yml');
const NAMES = ['prometheus', 'grafana', 'tempo'] as const;
const prometheus = readYaml('monitoring/prometheus.yml');
const tempo = readYaml('monitoring/tempo.yaml');
const provisioning = 'monitoring/grafana/provisioning';
const { datasources } = readYaml(`${provisioning}/datasources/datasources.yaml`);

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly mode: string | undefined;
}

const mountsOf = (name: string): Mount[] =>
  services[name].volumes.map((volume: string) => {
    const [source = '', target = '', mode] = volume.split(':');
    return { source, target, mode };
  });

/** Returns the path in the container at which a file or folder of the repository is mounted. */
function targetOf(name: string, path: string): string {
  const found = mountsOf(name).find(({ source }) => source === `./${path}`);
  if (found === undefined) throw new Error(`${name} does not mount ${path}.`);
  return found.target;
}

describe('the profile "monitoring" of docker-compose.yml', () => {
  it('has exactly these services, which do not start without the profile', () => {
    const inProfile = Object.keys(services).filter((name) => services[name].profiles?.includes('monitoring'));
    expect(inProfile).toEqual([...NAMES]);
    for (const name of NAMES) expect(services[name].profiles).toEqual(['monitoring']);
    const required = Object.values<{ depends_on?: object }>(services).flatMap((one) =>
      Object.keys(one.depends_on ?? {}),
    );
    expect(required.filter((name) => inProfile.includes(name))).toEqual([]);
  });

  it.each(NAMES)('mounts only files that exist into %s, and cannot change them', (name) => {
    const files = mountsOf(name).filter(({ source }) => source.startsWith('./'));
    expect(files).not.toEqual([]);
    for (const { source, mode } of files) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(mode).toBe('ro');
    }
    for (const { source } of mountsOf(name)) {
      if (!source.startsWith('./')) expect(namedVolumes).toHaveProperty(source);
    }
  });
});

describe('monitoring/prometheus.yml', () => {
  it('is the file that Prometheus reads, with the alert rules beside it', () => {
    const config = targetOf('prometheus', 'monitoring/prometheus.yml');
    expect(services.prometheus.command).toContain(`--config.file=${config}`);
    expect(prometheus.rule_files).toEqual(['alerts.yml']);
    expect(targetOf('prometheus', 'monitoring/alerts.yml')).toBe(join(config, '../alerts.yml'));
  });

  it('scrapes every process of every service', () => {
    const [job, ...more] = prometheus.scrape_configs;
    expect(more).toEqual([]);
    const found = job.dns_sd_configs.map(({ names, type, port }: Record<string, unknown>) => ({ names, type, port }));
    expect(found).toEqual(
      SERVICES.map((name) => ({ names: [name], type: 'A', port: services[name].environment.PORT })),
    );
    expect(job.metrics_path).toBe('/metrics');
  });

  it('gives the job the name that the alert rules use', () => {
    const rules = readFileSync(join(root, 'monitoring/alerts.yml'), 'utf8');
    const jobs = [...rules.matchAll(/job="([^"]+)"/g)].map(([, job]) => job);
    expect(new Set(jobs)).toEqual(new Set([prometheus.scrape_configs[0].job_name]));
  });
});

describe('the provisioning of Grafana', () => {
  it('is mounted where Grafana looks for it', () => {
    const folders = globSync('*', { cwd: join(root, provisioning) });
    expect(folders.toSorted()).toEqual(['dashboards', 'datasources']);
    for (const folder of folders) {
      expect(targetOf('grafana', `${provisioning}/${folder}`)).toBe(`/etc/grafana/provisioning/${folder}`);
    }
  });

  it('has Prometheus and Tempo as data sources, at the ports on which they listen', () => {
    expect(datasources).toMatchObject([
      { uid: 'prometheus', type: 'prometheus', url: 'http://prometheus:9090', isDefault: true },
      { uid: 'tempo', type: 'tempo', url: `http://tempo:${tempo.server.http_listen_port}` },
    ]);
    expect(services.prometheus.ports[0]).toMatch(/:9090$/);
    expect(datasources[0].jsonData.timeInterval).toBe(prometheus.global.scrape_interval);
  });

  it('loads monitoring/dashboards', () => {
    const { providers } = readYaml(`${provisioning}/dashboards/dashboards.yaml`);
    expect(providers.map(({ options }: { options: object }) => options)).toEqual([
      { path: targetOf('grafana', 'monitoring/dashboards') },
    ]);
  });

  it.each(globSync('monitoring/dashboards/*.json', { cwd: root }))('has the data sources of %s', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const dashboard = JSON.parse(text);
    const variables = dashboard.templating.list.filter(({ type }: { type: string }) => type === 'datasource');
    const known = new Set([
      ...variables.map(({ name }: { name: string }) => `\${${name}}`),
      ...datasources.map(({ uid }: { uid: string }) => uid),
    ]);
    for (const { query } of variables) expect(datasources).toContainEqual(expect.objectContaining({ type: query }));
    const used = [...text.matchAll(/"datasource": \{[^}]*"uid": "([^"]+)"/g)].map(([, uid]) => uid);
    expect(used).not.toEqual([]);
    expect(used.filter((uid) => !known.has(uid))).toEqual([]);
  });
});

describe('monitoring/tempo.yaml', () => {
  it('is the file that Tempo reads', () => {
    expect(services.tempo.command).toEqual([`-config.file=${targetOf('tempo', 'monitoring/tempo.yaml')}`]);
  });

  it('receives OTLP over HTTP on port 4318 of the container, and keeps traces in the volume for 48 hours', () => {
    expect(tempo.distributor.receivers).toEqual({ otlp: { protocols: { http: { endpoint: '0.0.0.0:4318' } } } });
    expect(tempo.compactor.compaction.block_retention).toBe('48h');
    const { local, wal } = tempo.storage.trace;
    const [volume] = mountsOf('tempo').filter(({ source }) => source === 'tempo');
    for (const { path } of [local, wal]) expect(path.startsWith(`${volume?.target}/`), path).toBe(true);
  });
});
