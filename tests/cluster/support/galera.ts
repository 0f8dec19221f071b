import { appendFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { loadSecrets, type Secrets } from '#scripts/local/secrets.ts';
import { adminUrlOf } from '#scripts/local/servers/database-accounts.ts';
import { mariadb } from '#scripts/local/servers/database-servers.ts';
import type { ServerSpec } from '#scripts/local/servers/server.ts';
import { LocalError } from '#scripts/local/settings.ts';
import { createOwnServer, type OwnServer } from '../../support/own-servers.ts';

const PROVIDER = '/usr/lib/galera/libgalera_smm.so';
const NODES = ['a', 'b', 'c'] as const;
const JOIN = { timeout: 60_000, interval: 100 };
/** The value of wsrep_local_state when a node takes part in the cluster and is up to date. */
const SYNCED = '4';

/** The account of the load balancer's health check. It has no password and no privileges. */
export const CHECK_ACCOUNT = 'health_check';

export interface DatabaseNode extends OwnServer {
  readonly name: string;
  readonly port: number;
}

/** A Galera cluster of three MariaDB nodes. All nodes accept writes, and a commit needs the agreement of all nodes. */
export interface Galera {
  readonly nodes: readonly DatabaseNode[];
  /** Returns the URL of the admin account at another port, such as that of a load balancer. */
  urlAt(port: number): string;
  remove(): Promise<void>;
}

/**
 * Starts a cluster. The nodes begin with copies of the same data folder, so that no node needs a state transfer, which
 * takes 10 s.
 */
export async function startGalera(): Promise<Galera> {
  const groupPorts = await freePorts(NODES);
  const members = `gcomm://${NODES.map((name) => `127.0.0.1:${groupPorts[name]}`).join()}`;
  let secrets: Secrets | undefined;
  let hasMembers = false;

  async function createNode(name: (typeof NODES)[number]): Promise<DatabaseNode> {
    const { transferPort, scriptPort } = await freePorts(['transferPort', 'scriptPort']);
    const settings = [
      'wsrep_on=ON',
      `wsrep_provider=${PROVIDER}`,
      'wsrep_cluster_name=event_booking',
      `wsrep_cluster_address=${members}`,
      `wsrep_node_name=${name}`,
      'wsrep_node_address=127.0.0.1',
      // The default method, rsync, does not work with several nodes on one machine.
      'wsrep_sst_method=mariabackup',
      `wsrep_sst_receive_address=127.0.0.1:${scriptPort}`,
      `wsrep_provider_options=gmcast.listen_addr=tcp://127.0.0.1:${groupPorts[name]};ist.recv_addr=127.0.0.1:${transferPort}`,
      'binlog_format=ROW',
      'innodb_autoinc_lock_mode=2',
    ];
    let port = 0;
    const server = await createOwnServer(async (ownPort, dataDir) => {
      port = ownPort;
      secrets ??= await loadSecrets(dataDir);
      const base = mariadb(port, dataDir, secrets);
      return {
        spec: nodeSpec(base, { dataDir, settings, isFirst: () => !hasMembers }),
        url: adminUrlOf(port, secrets.databases),
      };
    });
    return { ...server, name, port };
  }

  const nodes: DatabaseNode[] = [];
  const remove = async () => {
    await Promise.all(nodes.map((node) => node.remove()));
  };
  try {
    for (const name of NODES) nodes.push(await createNode(name));
    const [first, ...others] = nodes as [DatabaseNode, ...DatabaseNode[]];
    await first.start();
    await first.stop();
    for (const { dataDir } of others) {
      cpSync(join(first.dataDir, 'mysql'), join(dataDir, 'mysql'), { recursive: true });
    }
    await first.start();
    hasMembers = true;
    for (const node of others) await node.start();
    await Promise.all(nodes.map(untilSynced));
  } catch (error) {
    await remove();
    throw error;
  }
  return { nodes, urlAt: (port) => adminUrlOf(port, (secrets as Secrets).databases), remove };
}

/** Describes a node. Its settings are in a file, because a node passes its command line on to the transfer scripts. */
function nodeSpec(
  base: ServerSpec,
  { dataDir, settings, isFirst }: { dataDir: string; settings: readonly string[]; isFirst: () => boolean },
): ServerSpec {
  const file = join(dataDir, 'node.cnf');
  return {
    ...base,
    // The package of the scripts depends on Galera.
    programs: [...base.programs, 'wsrep_sst_mariabackup', 'mariabackup', 'socat'],
    args: [`--defaults-file=${file}`],
    async prepare(commandOf) {
      if (!existsSync(PROVIDER))
        throw new LocalError(`${PROVIDER} is missing. Run this on Debian or Ubuntu with galera-4.`);
      const isNew = !existsSync(join(dataDir, 'mysql'));
      mkdirSync(join(dataDir, 'keys'), { recursive: true });
      mkdirSync(join(dataDir, 'mysql.tmp'), { recursive: true });
      // Only the first start creates the accounts. The other nodes have copies of them.
      const own = base.args.filter((arg) => arg !== '--no-defaults' && (isNew || !arg.startsWith('--init-file')));
      const lines = [
        ...own.map((arg) => arg.slice('--'.length)),
        ...settings,
        ...(isFirst() ? ['wsrep-new-cluster'] : []),
      ];
      writeFileSync(file, `[mysqld]\n${lines.join('\n')}\n`, { mode: 0o600 });
      if (!isNew) return;
      await base.prepare(commandOf);
      appendFileSync(join(dataDir, 'keys', 'accounts.sql'), `CREATE USER '${CHECK_ACCOUNT}'@'127.0.0.1';\n`);
    },
  };
}

/** Waits until a node is up to date with the cluster. */
export async function untilSynced({ url }: DatabaseNode): Promise<void> {
  await vi.waitFor(async () => expect(await statusOf(url, 'wsrep_local_state')).toBe(SYNCED), JOIN);
}

/** Returns the value of a status variable of a node. */
async function statusOf(url: string, name: string): Promise<string | undefined> {
  const connection = await openConnection(url);
  try {
    const [row] = await connection.query<{ Value: string }[]>(`SHOW GLOBAL STATUS LIKE '${name}'`);
    return row?.Value;
  } finally {
    await connection.end();
  }
}

/** Returns how many transactions a node has refused or ended because of a transaction of another node. */
export async function conflictsOf({ url }: DatabaseNode): Promise<number> {
  const counts = await Promise.all(
    ['wsrep_local_cert_failures', 'wsrep_local_bf_aborts'].map((name) => statusOf(url, name)),
  );
  return counts.reduce((sum, count) => sum + Number(count), 0);
}
