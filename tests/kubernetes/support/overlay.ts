import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { IPodMonitor, IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import type { IDeployment, IStatefulSet } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { IJob } from 'kubernetes-models/batch/v1';
import type { IIngress, INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IConfigMap, INamespace, IPodTemplateSpec, ISecret, IService } from 'kubernetes-models/v1';
import { parseAllDocuments, parseDocument } from 'yaml';
import { root } from '#scripts/local/settings.ts';
import { findKubectl } from './kubectl.ts';

/** The kinds of objects in the overlays. */
interface Kinds {
  Namespace: INamespace;
  ConfigMap: IConfigMap;
  Secret: ISecret;
  Service: IService;
  Deployment: IDeployment;
  StatefulSet: IStatefulSet;
  Job: IJob;
  HorizontalPodAutoscaler: IHorizontalPodAutoscaler;
  PodDisruptionBudget: IPodDisruptionBudget;
  NetworkPolicy: INetworkPolicy;
  Ingress: IIngress;
  PodMonitor: IPodMonitor;
  PrometheusRule: IPrometheusRule;
}

export type Manifest = { [Kind in keyof Kinds]: Kinds[Kind] & { kind: Kind } }[keyof Kinds];

export const OVERLAYS = ['minikube', 'production'] as const;
export type OverlayName = (typeof OVERLAYS)[number];

interface Variant {
  readonly title: string;
  readonly overlay: OverlayName;
  /** Names of folders in k8s/components. */
  readonly components: readonly string[];
}

/** Every overlay as it is, and production with each optional component. */
export const VARIANTS: readonly Variant[] = [
  ...OVERLAYS.map((overlay) => ({ title: overlay, overlay, components: [] })),
  ...['monitoring', 'box-office'].map((component) => ({
    title: `production with ${component}`,
    overlay: 'production' as const,
    components: [component],
  })),
];

const RENDER_TIMEOUT_MS = 60_000;
/** A time limit in ms: kubectl may have to be downloaded first. */
export const RENDER = 180_000;

/** An overlay's objects as `kubectl apply -k` would send them, optionally with components of k8s/components. */
export async function renderOverlay(name: OverlayName, components: readonly string[] = []): Promise<Manifest[]> {
  if (components.length === 0) return render(join(root, 'k8s/overlays', name));
  const copy = await mkdtemp(join(tmpdir(), 'ebs-overlay-'));
  try {
    for (const folder of ['k8s', 'monitoring']) await cp(join(root, folder), join(copy, folder), { recursive: true });
    const overlay = join(copy, 'k8s/overlays', name);
    const file = join(overlay, 'kustomization.yaml');
    const kustomization = parseDocument(await readFile(file, 'utf8'));
    for (const component of components) kustomization.addIn(['components'], `../../components/${component}`);
    await writeFile(file, kustomization.toString());
    return await render(overlay);
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function render(folder: string): Promise<Manifest[]> {
  const kubectl = await findKubectl();
  const { stdout, stderr } = await promisify(execFile)(kubectl, ['kustomize', folder], { timeout: RENDER_TIMEOUT_MS });
  if (stderr !== '') throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

/** All objects of one kind. */
export const allOf = <Kind extends keyof Kinds>(manifests: readonly Manifest[], kind: Kind) =>
  manifests.filter((manifest): manifest is Extract<Manifest, { kind: Kind }> => manifest.kind === kind);

/** The object of a kind with a name. @throws when there is none */
export function oneOf<Kind extends keyof Kinds>(manifests: readonly Manifest[], kind: Kind, name: string) {
  const found = allOf(manifests, kind).find(({ metadata }) => metadata?.name === name);
  if (found === undefined) throw new Error(`The overlay has no ${kind} ${name}.`);
  return found;
}

export interface Workload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'Job';
  readonly name: string;
  readonly template: IPodTemplateSpec;
}

/** All objects that create pods. */
export const workloadsOf = (manifests: readonly Manifest[]): Workload[] =>
  (['Deployment', 'StatefulSet', 'Job'] as const).flatMap((kind) =>
    allOf(manifests, kind).map(({ metadata, spec }) => ({
      kind,
      name: metadata?.name ?? '',
      template: spec?.template ?? {},
    })),
  );

/** The containers of a pod, including init containers. */
export const containersOf = ({ template: { spec } }: Workload) => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
];

export interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Whether a selector matches labels. An empty selector matches all labels. @throws on an operator other than In */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Record<string, string> = {}) {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`Selector operator ${operator} is not supported.`);
      return values.includes(labels[key] ?? '');
    })
  );
}
