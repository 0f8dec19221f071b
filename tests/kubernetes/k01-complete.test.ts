import { readFileSync } from 'node:fs';
import type { IContainer, IPodSpec } from 'kubernetes-models/v1';
import { beforeAll, describe, expect, it } from 'vitest';
import { SERVICES, SUBGRAPHS } from '#services';
import {
  allOf,
  containersOf,
  type Manifest,
  OVERLAYS,
  oneOf,
  RENDER,
  renderOverlay,
  selects,
  type Workload,
  workloadsOf,
} from './support/overlay.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** The requirements of K1 for every pod, each with a check of a workload. */
const POD_RULES: Record<string, (spec: IPodSpec, workload: Workload) => unknown> = {
  'no service-account token': ({ automountServiceAccountToken }) => automountServiceAccountToken === false,
  'no variables named after Services': ({ enableServiceLinks }) => enableServiceLinks === false,
  'non-root': ({ securityContext: { runAsNonRoot, runAsUser = 0, runAsGroup = 0 } = {} }) =>
    runAsNonRoot && runAsUser > 0 && runAsGroup > 0,
  'seccomp RuntimeDefault': ({ securityContext }) => securityContext?.seccompProfile?.type === 'RuntimeDefault',
  'topology spread': ({ topologySpreadConstraints = [] }, { kind, template }) =>
    kind !== 'Deployment' ||
    ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].every((key) =>
      topologySpreadConstraints.some(
        ({ topologyKey, labelSelector = {}, matchLabelKeys }) =>
          topologyKey === key &&
          selects(labelSelector, template.metadata?.labels) &&
          matchLabelKeys?.includes('app.kubernetes.io/name'),
      ),
    ),
  'scrape annotations': ({ containers: [container] }, { kind, template }) =>
    kind !== 'Deployment' ||
    (template.metadata?.annotations?.['prometheus.io/scrape'] === 'true' &&
      template.metadata.annotations['prometheus.io/path'] === '/metrics' &&
      template.metadata.annotations['prometheus.io/port'] === String(container?.ports?.[0]?.containerPort)),
};

/** The requirements of K1 for every container, including init containers. */
const CONTAINER_RULES: Record<string, (container: IContainer) => unknown> = {
  'exact image tag': ({ image }) => /:\d+\.\d+\.\d+$/.test(image ?? ''),
  'no privilege escalation': ({ securityContext }) => securityContext?.allowPrivilegeEscalation === false,
  'read-only root': ({ securityContext }) => securityContext?.readOnlyRootFilesystem,
  'all capabilities dropped': ({ securityContext }) => String(securityContext?.capabilities?.drop) === 'ALL',
  'requests and memory limit': ({ resources }) =>
    resources?.requests?.cpu && resources.requests.memory && resources.limits?.memory,
};

/** The requirements of K1 for the containers of Deployments and StatefulSets. */
const PROBE_RULES: Record<string, (container: IContainer, workload: Workload) => unknown> = {
  'startup probe': ({ startupProbe }) => startupProbe,
  'readiness probe': ({ readinessProbe }) => readinessProbe,
  // Our services have /health, which checks no dependency. Other servers use a port, or the NATS path that only checks
  // whether JetStream is enabled.
  'liveness probe without dependencies': ({ livenessProbe }, { kind }) =>
    kind === 'Deployment'
      ? livenessProbe?.httpGet?.path === '/health'
      : livenessProbe?.tcpSocket || livenessProbe?.httpGet?.path === '/healthz?js-enabled-only=true',
};

/** The requirements of K1 that a workload does not meet. */
function unmetRequirements(manifests: readonly Manifest[]): string[] {
  return workloadsOf(manifests).flatMap((workload) => {
    const spec = workload.template.spec ?? { containers: [] };
    const isServer = workload.kind !== 'Job';
    const unmet = [
      ...Object.entries(POD_RULES).filter(([, isMet]) => !isMet(spec, workload)),
      ...Object.entries(CONTAINER_RULES).filter(([, isMet]) => !containersOf(workload).every(isMet)),
      ...Object.entries(PROBE_RULES).filter(
        ([, isMet]) => isServer && !spec.containers.every((one) => isMet(one, workload)),
      ),
    ];
    return unmet.map(([requirement]) => `${workload.name}: ${requirement}`);
  });
}

/** One violation of each requirement. */
const VIOLATIONS: [
  requirement: string,
  violate: (spec: IPodSpec, container: IContainer, workload: Workload) => unknown,
][] = [
  ['no service-account token', (spec) => delete spec.automountServiceAccountToken],
  ['no variables named after Services', (spec) => delete spec.enableServiceLinks],
  ['non-root', (spec) => Object.assign(spec.securityContext ?? {}, { runAsUser: 0 })],
  ['seccomp RuntimeDefault', (spec) => delete spec.securityContext?.seccompProfile],
  ['topology spread', (spec) => spec.topologySpreadConstraints?.pop()],
  ['scrape annotations', (_spec, _container, { template }) => delete template.metadata?.annotations],
  ['exact image tag', (_spec, container) => Object.assign(container, { image: 'event-booking-system:latest' })],
  ['no privilege escalation', (_spec, { securityContext }) => delete securityContext?.allowPrivilegeEscalation],
  ['read-only root', (_spec, { securityContext }) => delete securityContext?.readOnlyRootFilesystem],
  ['all capabilities dropped', (_spec, { securityContext }) => delete securityContext?.capabilities],
  ['requests and memory limit', (_spec, { resources }) => delete resources?.limits],
  ['startup probe', (_spec, container) => delete container.startupProbe],
  ['readiness probe', (_spec, container) => delete container.readinessProbe],
  [
    'liveness probe without dependencies',
    (_spec, { livenessProbe }) => Object.assign(livenessProbe?.httpGet ?? {}, { path: '/ready' }),
  ],
];

describe.each(OVERLAYS)('K1: the manifests of %s are complete', (overlay) => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await renderOverlay(overlay);
  }, RENDER);

  it('every pod meets the requirements, including the pods of the migration and of the servers', () => {
    expect(workloadsOf(manifests).map(({ name }) => name)).toEqual(expect.arrayContaining([...SERVICES]));
    expect(unmetRequirements(manifests)).toEqual([]);
  });

  it('control: there is a violation of every requirement', () => {
    const rules = [POD_RULES, CONTAINER_RULES, PROBE_RULES].flatMap((some) => Object.keys(some));
    expect(VIOLATIONS.map(([requirement]) => requirement)).toEqual(rules);
  });

  it.each(VIOLATIONS)('control: a violation of "%s" is found', (requirement, violate) => {
    const broken = structuredClone(manifests);
    const workload = workloadsOf(broken).find(({ name }) => name === 'booking');
    const { template: { spec } = {} } = workload ?? {};
    const [container] = spec?.containers ?? [];
    if (!workload || !spec || !container) throw new Error('The overlay has no booking Deployment.');
    violate(spec, container, workload);
    expect(unmetRequirements(broken)).toEqual([`booking: ${requirement}`]);
  });

  it.each(SERVICES)(
    '%s has a Service, an autoscaler and a disruption budget that allows one pod to be down',
    (name) => {
      const { spec } = oneOf(manifests, 'Deployment', name);
      const labels = spec?.template.metadata?.labels;
      expect(selects(spec?.selector ?? {}, labels)).toBe(true);
      expect(selects({ matchLabels: oneOf(manifests, 'Service', name).spec?.selector ?? {} }, labels)).toBe(true);

      const {
        scaleTargetRef,
        minReplicas = 1,
        maxReplicas,
      } = oneOf(manifests, 'HorizontalPodAutoscaler', name).spec ?? {};
      expect(scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name });
      expect(spec?.replicas).toBeUndefined();
      expect(minReplicas).toBeGreaterThanOrEqual(overlay === 'production' ? 2 : 1);
      expect(maxReplicas).toBeGreaterThan(minReplicas);

      const budget = oneOf(manifests, 'PodDisruptionBudget', name).spec;
      expect(selects(budget?.selector ?? {}, labels)).toBe(true);
      expect(budget).toMatchObject({ maxUnavailable: 1 });
      expect(budget).not.toHaveProperty('minAvailable');
    },
  );

  it('every Service selects the pods of one workload and uses a port of theirs', () => {
    for (const { metadata, spec } of allOf(manifests, 'Service')) {
      const chosen = workloadsOf(manifests).filter(({ template }) =>
        selects({ matchLabels: spec?.selector ?? {} }, template.metadata?.labels),
      );
      expect(chosen.map(({ name }) => name)).toEqual([metadata?.name]);
      const ports = chosen.flatMap(containersOf).flatMap(({ ports = [] }) => ports);
      for (const { port, targetPort } of spec?.ports ?? []) {
        expect(ports).toContainEqual({ name: targetPort, containerPort: port });
      }
    }
  });

  it('a new subgraph pod waits for the database schema of its image, with its own database account', () => {
    for (const name of SUBGRAPHS) {
      const { initContainers = [], containers = [] } = oneOf(manifests, 'Deployment', name).spec?.template.spec ?? {};
      const database = ({ env = [] }: IContainer) =>
        env.find((variable) => variable.name === 'DATABASE_URL')?.valueFrom;
      expect(initContainers.map(({ command }) => command)).toEqual([['node', 'scripts/migrate.ts', '--wait', name]]);
      expect(initContainers[0]?.image).toBe(containers[0]?.image);
      expect(database(initContainers[0] as IContainer)).toEqual(database(containers[0] as IContainer));
    }
  });

  it('the migration Job and the image are named after the version of package.json', () => {
    const [job] = allOf(manifests, 'Job');
    expect(job?.metadata?.name).toBe(`migrate-${version}`);
    const images = workloadsOf(manifests)
      .flatMap(containersOf)
      .map(({ image }) => image);
    const own = images.filter((image) => image?.includes('event-booking-system'));
    expect(new Set(own).size).toBe(1);
    expect(own[0]).toMatch(new RegExp(`(^|/)event-booking-system:${version.replaceAll('.', '\\.')}$`));
  });
});

describe('production', () => {
  it(
    'has TLS for the host of its Ingress, and stores three copies of each message',
    async () => {
      const manifests = await renderOverlay('production');
      const { rules = [], tls = [] } = oneOf(manifests, 'Ingress', 'gateway').spec ?? {};
      expect(rules.map(({ host }) => host)).toEqual(tls.flatMap(({ hosts }) => hosts));
      expect(allOf(manifests, 'ConfigMap').map(({ data }) => data?.NATS_REPLICAS)).toEqual(['3']);
      expect(allOf(manifests, 'Secret')).toEqual([]);
    },
    RENDER,
  );
});
