import { BlockList } from 'node:net';
import type { INetworkPolicyPeer, INetworkPolicyPort } from 'kubernetes-models/networking.k8s.io/v1';
import { allOf, containersOf, type Manifest, selects, workloadsOf } from './overlay.ts';

/** Whoever may send or receive. Outside the cluster it has an address, inside it has labels. */
export interface Endpoint {
  readonly name: string;
  readonly namespace?: string;
  readonly address?: string;
  readonly labels?: Record<string, string>;
  /** What it listens on, by name or only by number. */
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

/** Every connection of a pod, to or from, that the network policies let through, as "from > to:port". */
export function openWays(manifests: readonly Manifest[], others: readonly Endpoint[]): string[] {
  const endpoints = [...podsOf(manifests), ...others];
  const isOwn = ({ namespace }: Endpoint) => namespace === 'ebs';
  return endpoints.flatMap((from) =>
    endpoints.flatMap((to) =>
      to.ports
        .filter(() => from !== to && (isOwn(from) || isOwn(to)))
        .filter((port) => isLet('Egress', from, to, port) && isLet('Ingress', to, from, port))
        .map(({ number }) => `${from.name} > ${to.name}:${number}`),
    ),
  );

  /** Whether the policies of one's own namespace let it speak with the other, or be spoken to by it. */
  function isLet(type: 'Egress' | 'Ingress', one: Endpoint, other: Endpoint, port: Endpoint['ports'][number]): boolean {
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
  if (ipBlock !== undefined) return endpoint.address !== undefined && isWithin(ipBlock.cidr, endpoint.address);
  if (endpoint.namespace === undefined) return false;
  const isNamespace = namespaceSelector
    ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': endpoint.namespace })
    : endpoint.namespace === 'ebs';
  return isNamespace && selects(podSelector ?? {}, endpoint.labels);
}

function isWithin(cidr: string, address: string): boolean {
  const [network = '', bits] = cidr.split('/');
  const block = new BlockList();
  block.addSubnet(network, Number(bits));
  return block.check(address);
}

const isPort = ({ port }: INetworkPolicyPort, { name, number }: Endpoint['ports'][number]) =>
  port === undefined || port === number || port === name;
