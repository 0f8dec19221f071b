import { beforeAll, describe, expect, it } from 'vitest';
import { SERVICES, SUBGRAPH_LIST, SUBGRAPHS, type SubgraphName } from '#services';
import { allowedConnections, type Endpoint, podsOf } from './support/network.ts';
import { allOf, type Manifest, type OverlayName, oneOf, RENDER, renderOverlay, VARIANTS } from './support/overlay.ts';

const every = [80, 443, 587, 3306, 4222, 6379].map((number) => ({ number }));

/** Endpoints outside the namespace. */
const NEIGHBOURS: Endpoint[] = [
  { name: 'dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ports: [{ number: 53 }] },
  { name: 'dns-cache', address: '169.254.20.10', ports: [{ number: 53 }, { number: 9253 }] },
  { name: 'api-server', namespace: 'kube-system', labels: { component: 'kube-apiserver' }, ports: [{ number: 443 }] },
  { name: 'ingress', namespace: 'ingress-nginx', ports: [] },
  { name: 'monitoring', namespace: 'monitoring', ports: [{ number: 4318 }, { number: 9090 }] },
  { name: 'stranger', namespace: 'default', labels: { 'app.kubernetes.io/name': 'gateway' }, ports: every },
  { name: 'internet', address: '203.0.113.7', ports: every },
  { name: 'private', address: '192.168.7.7', ports: every },
  { name: 'metadata', address: '169.254.169.254', ports: every },
];
const MANAGED: Endpoint[] = [
  { name: 'mysql', address: '10.20.1.5', ports: every },
  { name: 'redis', address: '10.20.2.5', ports: every },
  { name: 'nats', address: '10.20.3.5', ports: every },
  { name: 'mail', address: '10.20.4.5', ports: every },
];
const others = { minikube: NEIGHBOURS, production: [...NEIGHBOURS, ...MANAGED] };

const way = (from: string, to: SubgraphName) => `${from} > ${to}:${SUBGRAPH_LIST[to].port}`;

const expected = (overlay: OverlayName, components: readonly string[], pods: readonly string[]) => [
  ...pods.flatMap((pod) => [`${pod} > dns:53`, `${pod} > dns-cache:53`]),
  'ingress > gateway:4000',
  'monitoring > gateway:4000',
  ...SUBGRAPHS.flatMap((name) => [way('monitoring', name), way('gateway', name)]),
  ...SUBGRAPHS.flatMap((name) => (SUBGRAPH_LIST[name].asks ?? []).map((asked) => way(name, asked))),
  ...[...SUBGRAPHS, 'migrate'].map((name) => `${name} > mysql:3306`),
  ...SERVICES.map((name) => `${name} > nats:4222`),
  ...['gateway', ...SUBGRAPHS.filter((name) => SUBGRAPH_LIST[name].usesRedis)].map((name) => `${name} > redis:6379`),
  ...(overlay === 'production' ? ['notification > mail:587'] : []),
  'notification > internet:443',
  ...(components.includes('monitoring') ? SERVICES.map((name) => `${name} > monitoring:4318`) : []),
];

describe.each(VARIANTS)('K2: the network policies of $title', ({ overlay, components }) => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await renderOverlay(overlay, components);
  }, RENDER);
  const allowed = (of = manifests) =>
    allowedConnections(of, others[overlay]).map((one) => one.replace(/^migrate-\S+/, 'migrate'));

  it('allow exactly the connections that are needed', () => {
    const pods = podsOf(manifests).map(({ name }) => name.replace(/^migrate-.*/, 'migrate'));
    expect(allowed().toSorted()).toEqual(expected(overlay, components, pods).toSorted());
  });

  it('deny everything else by default', () => {
    const { spec } = oneOf(manifests, 'NetworkPolicy', 'default-deny');
    expect(spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  });

  it('are all needed: without any one of them a connection is denied', () => {
    // Without default-deny: the other policies select all current pods, and default-deny protects future ones.
    for (const policy of allOf(manifests, 'NetworkPolicy').filter(
      ({ metadata }) => metadata?.name !== 'default-deny',
    )) {
      const rest = manifests.filter((manifest) => manifest !== policy);
      expect(allowed(rest).toSorted(), policy.metadata?.name).not.toEqual(allowed().toSorted());
    }
  });

  it('control: an additional open policy is found', () => {
    const open = structuredClone(oneOf(manifests, 'NetworkPolicy', 'gateway'));
    open.spec = { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] };
    expect(allowed([...manifests, open])).toEqual(
      expect.arrayContaining(['stranger > user:4001', 'booking > internet:443']),
    );
  });
});
