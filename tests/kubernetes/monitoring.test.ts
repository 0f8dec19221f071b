import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '#scripts/local/settings.ts';
import { SERVICES } from '#services';
import { allOf, type Manifest, oneOf, RENDER, renderOverlay, selects, workloadsOf } from './support/overlay.ts';

/** The size of the annotation in which `kubectl apply` stores an object. */
const APPLIED_BYTES_MAX = 262_144;

const read = (file: string) => readFileSync(join(root, file), 'utf8');

describe('production with the component monitoring', () => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await renderOverlay('production', ['monitoring']);
  }, RENDER);

  it('has the alert rules of monitoring/alerts.yml', () => {
    const [rule, ...more] = allOf(manifests, 'PrometheusRule');
    expect(more).toEqual([]);
    expect(rule?.spec?.groups, 'Run: npm run alerts').toEqual(parse(read('monitoring/alerts.yml')).groups);
  });

  it('scrapes every pod of every service, and no other pod', () => {
    const [monitor, ...more] = allOf(manifests, 'PodMonitor');
    expect(more).toEqual([]);
    const { jobLabel = '', selector = {}, podMetricsEndpoints = [], namespaceSelector } = monitor?.spec ?? {};
    // Without a selector, the operator looks for pods in the namespace of the PodMonitor.
    expect(namespaceSelector).toBeUndefined();
    const chosen = workloadsOf(manifests).filter(({ template }) => selects(selector, template.metadata?.labels));
    expect(chosen.map(({ name }) => name).toSorted()).toEqual(SERVICES.toSorted());
    const [prometheusJob] = parse(read('monitoring/prometheus.yml')).scrape_configs;
    for (const { template } of chosen) {
      const { labels = {}, annotations = {} } = template.metadata ?? {};
      expect(labels[jobLabel]).toBe(prometheusJob.job_name);
      const ports = template.spec?.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name));
      expect(podMetricsEndpoints.map(({ port }) => port)).toEqual(ports);
      expect(podMetricsEndpoints.map(({ path }) => path)).toEqual([annotations['prometheus.io/path']]);
    }
  });

  it('has every dashboard in a map that Grafana finds and that kubectl can apply', () => {
    const map = oneOf(manifests, 'ConfigMap', 'grafana-dashboards');
    expect(map.metadata?.labels).toEqual({ grafana_dashboard: '1' });
    const files = globSync('monitoring/dashboards/*.json', { cwd: root });
    expect(files).not.toEqual([]);
    expect(map.data).toEqual(Object.fromEntries(files.map((file) => [basename(file), read(file)])));
    expect(JSON.stringify(map).length).toBeLessThan(APPLIED_BYTES_MAX);
  });

  it('adds nothing else to production', async () => {
    const idOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata?.name}`;
    const before = new Set((await renderOverlay('production')).map(idOf));
    expect(
      manifests
        .map(idOf)
        .filter((id) => !before.has(id))
        .toSorted(),
    ).toEqual([
      'ConfigMap/grafana-dashboards',
      'NetworkPolicy/traces',
      'PodMonitor/event-booking-system',
      'PrometheusRule/event-booking-system',
    ]);
  });
});
