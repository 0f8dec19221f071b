import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, vi } from 'vitest';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { eachOf, SERVICES, type ServiceName } from '#services';
import { createOwnServer } from '../../support/own-servers.ts';
import { CHECK_ACCOUNT, type DatabaseNode } from './galera.ts';
import type { CachePair } from './redis-pair.ts';

/** The maximum number of replicas of a service. */
const SLOTS = 4;
const SOON = { timeout: 60_000, interval: 50 };

/** HAProxy in front of the databases, of Redis and of the services, as in production. */
export interface LoadBalancer {
  /** The address of a service, without a path. */
  readonly urls: Record<ServiceName, string>;
  /** Leads to one node of the database at a time. */
  readonly databasePort: number;
  /** Leads to the primary of Redis. */
  readonly redisPort: number;
  /** Sets the replicas of a service, and waits until the ready ones receive connections. */
  setReplicas(name: ServiceName, urls: readonly string[]): Promise<void>;
  /** The names of the servers of a section that receive new connections. */
  serversUp(section: string): Promise<string[]>;
  /** The name of the database node that receives the connections. */
  writer(): Promise<string>;
  /** Lets new connections lead to another database node. Existing connections stay open. */
  moveWriter(name: string): Promise<void>;
  remove(): Promise<void>;
}

export async function startLoadBalancer({
  nodes,
  cache,
}: {
  nodes: readonly DatabaseNode[];
  cache: CachePair;
}): Promise<LoadBalancer> {
  const ports = await freePorts(['database', 'redis', ...SERVICES]);
  let adminPort = 0;
  const server = await createOwnServer(async (port, dataDir) => {
    adminPort = port;
    const file = join(dataDir, 'haproxy.cfg');
    const configuration = [
      ...['global', `stats socket ipv4@127.0.0.1:${port} level admin`],
      ...['defaults', 'mode tcp', 'timeout connect 1s', 'timeout client 1h', 'timeout server 1h', 'timeout check 2s'],
      // A server that refuses the connection is not asked again.
      ...['retries 3', 'option redispatch 1'],
      ...databaseSection(ports.database, nodes),
      ...redisSection(ports.redis, cache),
      ...SERVICES.flatMap((name) => serviceSection(name, ports[name])),
    ];
    return {
      url: '',
      spec: {
        name: 'haproxy',
        title: 'HAProxy',
        programs: ['haproxy'],
        port,
        args: ['-db', '-f', file],
        greeting: { send: 'show info\n', expect: /HAProxy/ },
        stopGraceMs: 1_000,
        prepare() {
          writeFileSync(file, `${configuration.join('\n')}\n`);
        },
      },
    };
  });
  await server.start();

  /** Sends a command to HAProxy's own interface. Returns the answer. */
  async function run(command: string): Promise<string> {
    const socket = connect(adminPort, '127.0.0.1');
    await once(socket, 'connect');
    socket.end(`${command}\n`);
    return text(socket);
  }
  /** The states of the servers of a section by their names, with the results of their last checks. */
  async function statesOf(section: string): Promise<Record<string, string>> {
    const [header = [], ...lines] = (await run('show stat')).split('\n').map((line) => line.split(','));
    const servers = lines.filter(([proxy, name = '']) => proxy === section && !/END$/.test(name));
    const columns = ['status', 'check_status', 'last_chk'].map((column) => header.indexOf(column));
    return Object.fromEntries(servers.map((line) => [line[1], columns.map((at) => line[at]).join(' ')]));
  }
  async function serversUp(section: string): Promise<string[]> {
    const states = Object.entries(await statesOf(section));
    return states.filter(([, state]) => state.startsWith('UP')).map(([name]) => name);
  }
  async function writer(): Promise<string> {
    const [, id] = (await run('show table database')).match(/server_id=(\d+)/) ?? [];
    return nodes[Number(id) - 1]?.name ?? '';
  }

  return {
    urls: eachOf(SERVICES, (name) => `http://127.0.0.1:${ports[name]}`),
    databasePort: ports.database,
    redisPort: ports.redis,
    serversUp,
    async setReplicas(name, urls) {
      for (let slot = 1; slot <= SLOTS; slot += 1) {
        const url = urls[slot - 1];
        const path = `${name}/s${slot}`;
        if (url === undefined) await run(`set server ${path} state maint`);
        else {
          await run(`set server ${path} addr 127.0.0.1 port ${new URL(url).port}`);
          await run(`set server ${path} state ready`);
        }
      }
      await vi.waitFor(async () => {
        const states = Object.values(await statesOf(name)).slice(0, urls.length);
        expect(states, `all replicas of ${name} are up`).toEqual(urls.map(() => expect.stringMatching(/^UP/)));
      }, SOON);
    },
    writer,
    async moveWriter(name) {
      const weigh = async (weightOf: (node: DatabaseNode) => number) => {
        for (const node of nodes) await run(`set server database/${node.name} weight ${weightOf(node)}`);
      };
      await weigh((node) => (node.name === name ? 1 : 0));
      await run('clear table database');
      const socket = connect(ports.database, '127.0.0.1');
      await once(socket, 'data');
      socket.destroy();
      await weigh(() => 1);
      expect(await writer()).toBe(name);
    },
    remove: server.remove,
  };
}

/**
 * One node gets all connections: the one in the only entry of the table. The entry changes when its node fails, and not
 * when an earlier node comes back. Connections to a failed node are closed at once.
 */
const databaseSection = (port: number, nodes: readonly DatabaseNode[]) => [
  'listen database',
  `bind 127.0.0.1:${port}`,
  'stick-table type integer size 10 nopurge',
  'stick on int(1)',
  'option tcp-check',
  'tcp-check connect',
  // The protocol's version, at the beginning of the greeting.
  'tcp-check expect binary 0a',
  `tcp-check send-binary ${logIn(CHECK_ACCOUNT)}`,
  'tcp-check expect binary 0000000200',
  `tcp-check send-binary ${packet(0, Buffer.from(`\x03${STATE_SQL}`))}`,
  'tcp-check expect string node-is-ready',
  'default-server inter 500 fall 2 rise 2 on-marked-down shutdown-sessions',
  ...nodes.map((node) => `server ${node.name} 127.0.0.1:${node.port} check`),
];

/**
 * The values of wsrep_local_state of a node that can write: donor and synced. A node that brings another one up to date
 * is a donor meanwhile. If it counted as failed, the restart of any node could interrupt the writer.
 */
const WRITABLE_STATES = '2, 4';
const STATE_SQL = `SELECT CONCAT('node-', IF(VARIABLE_VALUE IN (${WRITABLE_STATES}), 'is-ready', 'is-not-ready')) AS state
  FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'WSREP_LOCAL_STATE'`;

/** Returns a packet of MySQL's protocol as hexadecimal text. */
function packet(sequence: number, content: Buffer): string {
  const header = Buffer.alloc(4);
  header.writeUIntLE(content.length, 0, 3);
  header.writeUInt8(sequence, 3);
  return Buffer.concat([header, content]).toString('hex');
}

/** Returns the log-in of an account without a password. */
function logIn(account: string): string {
  // CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41 and CLIENT_SECURE_CONNECTION, then the maximum packet and the character set.
  const header = Buffer.from('0182000000000001210000000000000000000000000000000000000000000000', 'hex');
  return packet(1, Buffer.concat([header, Buffer.from(`${account}\0\0`)]));
}

/** Only the primary gets connections. Sentinel chooses the primary. */
const redisSection = (port: number, { servers }: CachePair) => [
  'listen redis',
  `bind 127.0.0.1:${port}`,
  'option tcp-check',
  'tcp-check connect',
  'tcp-check send info\\ replication\\r\\n',
  'tcp-check expect string role:master',
  'default-server inter 200 fall 1 rise 1 on-marked-down shutdown-sessions',
  ...servers.map((server, index) => `server ${index + 1} 127.0.0.1:${server.port} check`),
];

/** The readiness probes are those of Kubernetes. */
const serviceSection = (name: ServiceName, port: number) => [
  `listen ${name}`,
  `bind 127.0.0.1:${port}`,
  'balance roundrobin',
  `option httpchk GET ${name === 'gateway' ? '/serving' : '/ready'}`,
  `server-template s 1-${SLOTS} 127.0.0.1:1 check inter 200 fall 2 rise 1 disabled`,
];
