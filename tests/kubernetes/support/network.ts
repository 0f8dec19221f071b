import { BlockList } from 'node:net';
import type { INetworkPolicyPeer, INetworkPolicyPort } from 'kubernetes-models/networking.k8s.io/v1';
import { allOf, containersOf, type Manifest, selects, workloadsOf } from './overlay.ts';

/** A sender or receiver of traffic. Inside the cluster it has labels, outside it has an address. */
export interface Endpoint {
  readonly name: string;
  readonly namespace?: string;
  readonly address?: string;
  readonly labels?: Record<string, string>;
  /** The ports on which it listens. The name is optional. */
  readonly ports: readonly { name?: string; number: number }[];
}

/** The pods of an overlay. */
export const podsOf = (manifests: readonly Manifest[]): Endpoint[] =>
  workloadsOf(manifests).map((workload) => ({
    name: workload.name,
    namespace: 'ebs',
    labels: workload.template.metadata?.labels ?? {},
    ports: containersOf(workload)
      .flatMap(({ ports = [] }) => ports)
      .map(({ name = '', containerPort }) => ({ name, number: containerPort })),
  }));

/** Every connection to or from a pod that the network policies allow, as "from > to:port". */
export function allowedConnections(manifests: readonly Manifest[], others: readonly Endpoint[]): string[] {
  const endpoints = [...podsOf(manifests), ...others];
  const isOwn = ({ namespace }: Endpoint) => namespace === 'ebs';
  return endpoints.flatMap((from) =>
    endpoints.flatMap((to) =>
      to.ports
        .filter(() => from !== to && (isOwn(from) || isOwn(to)))
        .filter((port) => isAllowed('Egress', from, to, port) && isAllowed('Ingress', to, from, port))
        .map(({ number }) => `${from.name} > ${to.name}:${number}`),
    ),
  );

  /** Whether the policies allow `one` to send to `other` (Egress) or to receive from it (Ingress). */
  function isAllowed(
    type: 'Egress' | 'Ingress',
    one: Endpoint,
    other: Endpoint,
    port: Endpoint['ports'][number],
  ): boolean {
    if (!isOwn(one)) return true;
    const policies = allOf(manifests, 'NetworkPolicy').filter(
      ({ spec }) => spec?.policyTypes?.includes(type) && selects(spec.podSelector ?? {}, one.labels),
    );
    const rules = policies.flatMap(({ spec }) =>
      type === 'Egress'
        ? (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
        : (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })),
    );
    const isMatch = ({ peers, ports }: (typeof rules)[number]) =>
      (peers === undefined || peers.some((peer) => isPeer(peer, other))) &&
      (ports === undefined || ports.some((allowed) => isPort(allowed, port)));
    return policies.length === 0 || rules.some(isMatch);
  }
}

function isPeer({ ipBlock, namespaceSelector, podSelector }: INetworkPolicyPeer, endpoint: Endpoint): boolean {
  const { address } = endpoint;
  if (ipBlock !== undefined) {
    const isIn = (cidr: string) => address !== undefined && isWithin(cidr, address);
    return isIn(ipBlock.cidr) && !ipBlock.except?.some(isIn);
  }
  if (endpoint.namespace === undefined) return false;
  const isNamespace = namespaceSelector
    ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': endpoint.namespace })
    : endpoint.namespace === 'ebs';
  return isNamespace && selects(podSelector ?? {}, endpoint.labels);
}

function isWithin(cidr: string, address: string): boolean {
  const [network = '', bits] = cidr.split('/');
  const block = new BlockList();
  block.addSubnet(network, Number(bits), network.includes(':') ? 'ipv6' : 'ipv4');
  return block.check(address);
}

const isPort = ({ port }: INetworkPolicyPort, { name, number }: Endpoint['ports'][number]) =>
  port === undefined || port === number || port === name;
