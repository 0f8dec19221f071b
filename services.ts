/**
 * The services, in one list. Settings, environments, databases, migrations, scripts and tests derive theirs from it.
 * It imports nothing, so that the gateway, the subgraphs, the scripts and the tests can all import it. The platform does
 * not: it knows no service by name. docs/adding.md says what else a new subgraph needs.
 */

interface Subgraph<Name> {
  readonly port: number;
  /** It uses Redis. Every subgraph uses MySQL, with a database of its own, and NATS. */
  readonly usesRedis?: true;
  /** It has an outbox. Its messaging/contract.ts names its stream and its messages. */
  readonly publishes?: true;
  /** The subgraphs that it asks by itself, and so gets the addresses and secrets of. */
  readonly asks?: readonly Name[];
  /** Settings that no other service gets. */
  readonly privateSettings?: readonly string[];
}

const listOf = <Name extends string>(list: Readonly<Record<Name, Subgraph<NoInfer<Name>>>>) => list;

export const SUBGRAPH_LIST = listOf({
  user: { port: 4001, usesRedis: true, publishes: true, privateSettings: ['JWT_PRIVATE_KEY'] },
  event: { port: 4002, usesRedis: true, publishes: true },
  booking: { port: 4003, publishes: true, asks: ['event', 'user'] },
  notification: { port: 4004, privateSettings: ['SMTP_URL', 'SMTP_TLS'] },
});
export const GATEWAY_PORT = 4000;

export type SubgraphName = keyof typeof SUBGRAPH_LIST;
export type ServiceName = SubgraphName | 'gateway';
export const SUBGRAPHS = Object.keys(SUBGRAPH_LIST) as readonly SubgraphName[];
export const SERVICES: readonly ServiceName[] = ['gateway', ...SUBGRAPHS];
export const PUBLISHERS = SUBGRAPHS.filter((name) => SUBGRAPH_LIST[name].publishes);

/** USER_SUBGRAPH_URL or USER_SUBGRAPH_SECRET for user. */
export const subgraphSetting = <Kind extends 'URL' | 'SECRET'>(name: SubgraphName, kind: Kind) =>
  `${name.toUpperCase()}_SUBGRAPH_${kind}` as `${Uppercase<SubgraphName>}_SUBGRAPH_${Kind}`;

/** Such a setting for each subgraph. */
export const perSubgraph = <Kind extends 'URL' | 'SECRET', Value>(kind: Kind, make: (name: SubgraphName) => Value) =>
  Object.fromEntries(SUBGRAPHS.map((name) => [subgraphSetting(name, kind), make(name)])) as {
    [Setting in `${Uppercase<SubgraphName>}_SUBGRAPH_${Kind}`]: Value;
  };

/** The address of a subgraph that runs on this machine. */
export const localUrl = (name: SubgraphName, port = SUBGRAPH_LIST[name].port) => `http://127.0.0.1:${port}/graphql`;

/** An object with a value for each name. */
export const eachOf = <Name extends string, Value>(names: readonly Name[], make: (name: Name) => Value) =>
  Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
