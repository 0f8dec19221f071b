/**
 * The list of all services. Settings, environments, databases, migrations, scripts and tests are derived from it. It
 * imports nothing, so that the gateway, the subgraphs, the scripts and the tests can import it. The platform must not
 * import it, because it does not depend on services. docs/adding.md lists the other files of a new subgraph.
 */

interface Subgraph<Name> {
  readonly port: number;
  /** True if it uses Redis. Every service uses NATS, and every subgraph its own MySQL database. */
  readonly usesRedis?: true;
  /** True if it publishes messages. Its messaging/contract.ts then defines its stream and its messages. */
  readonly publishes?: true;
  /** The subgraphs that it calls directly. It gets their addresses and secrets. */
  readonly asks?: readonly Name[];
  /** Settings that only the services that name them get. */
  readonly privateSettings?: readonly string[];
}

const listOf = <Name extends string>(list: Readonly<Record<Name, Subgraph<NoInfer<Name>>>>) => list;

export const SUBGRAPH_LIST = listOf({
  user: { port: 4001, usesRedis: true, publishes: true, privateSettings: ['JWT_PRIVATE_KEY', 'ACCOUNT_MAIL_SECRET'] },
  event: { port: 4002, usesRedis: true, publishes: true },
  booking: {
    port: 4003,
    usesRedis: true,
    publishes: true,
    asks: ['event', 'user'],
    privateSettings: ['TICKET_PRIVATE_KEY', 'TICKET_PUBLIC_KEYS'],
  },
  notification: {
    port: 4004,
    asks: ['event'],
    privateSettings: ['ACCOUNT_MAIL_SECRET', 'SMTP_URL', 'SMTP_TLS', 'WEBHOOK_SECRETS_KEY'],
  },
});
export const GATEWAY_PORT = 4000;

export type SubgraphName = keyof typeof SUBGRAPH_LIST;
export type ServiceName = SubgraphName | 'gateway';
export const SUBGRAPHS = Object.keys(SUBGRAPH_LIST) as readonly SubgraphName[];
export const SERVICES: readonly ServiceName[] = ['gateway', ...SUBGRAPHS];
export const PUBLISHERS = SUBGRAPHS.filter((name) => SUBGRAPH_LIST[name].publishes);

/** Returns the name of a subgraph's setting, such as USER_SUBGRAPH_URL or USER_SUBGRAPH_SECRET for user. */
export const subgraphSetting = <Kind extends 'URL' | 'SECRET'>(name: SubgraphName, kind: Kind) =>
  `${name.toUpperCase()}_SUBGRAPH_${kind}` as `${Uppercase<SubgraphName>}_SUBGRAPH_${Kind}`;

/** Returns an object with this setting for each subgraph. */
export const perSubgraph = <Kind extends 'URL' | 'SECRET', Value>(kind: Kind, make: (name: SubgraphName) => Value) =>
  Object.fromEntries(SUBGRAPHS.map((name) => [subgraphSetting(name, kind), make(name)])) as {
    [Setting in `${Uppercase<SubgraphName>}_SUBGRAPH_${Kind}`]: Value;
  };

/** Returns the URL of a subgraph that runs on this machine. */
export const localUrl = (name: SubgraphName, port = SUBGRAPH_LIST[name].port) => `http://127.0.0.1:${port}/graphql`;

/** Returns an object with a value for each name. */
export const eachOf = <Name extends string, Value>(names: readonly Name[], make: (name: Name) => Value) =>
  Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
