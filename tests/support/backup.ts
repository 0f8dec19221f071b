import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { silentStep } from '#scripts/local/progress.ts';
import { findPrograms } from '#scripts/local/servers/servers.ts';

/** The programs and options of docs/operations/backup.md. */
const TOOLS = {
  mariadb: { dump: ['mariadb-dump', '--single-transaction', '--hex-blob'], client: 'mariadb' },
  mysql: {
    dump: ['mysqldump', '--single-transaction', '--hex-blob', '--set-gtid-purged=OFF', '--no-tablespaces'],
    client: 'mysql',
  },
} as const;

/** Returns a consistent backup of a database as SQL text. */
export async function backUp(url: string): Promise<string> {
  const [program, ...options] = TOOLS[inject('servers').database].dump;
  return run(program, [...options, ...accessTo(url)], url);
}

/** Restores a backup into a database. Replaces its tables. */
export async function restoreBackup(url: string, backup: string): Promise<void> {
  await run(TOOLS[inject('servers').database].client, accessTo(url), url, backup);
}

function accessTo(url: string): string[] {
  const { hostname, port, username, pathname } = new URL(url);
  return [`--host=${hostname}`, `--port=${port}`, `--user=${username}`, pathname.slice(1)];
}

async function run(program: string, args: readonly string[], url: string, input = ''): Promise<string> {
  const { database, dataDir } = inject('servers');
  const commandOf = await findPrograms([program], { database, dataDir, step: silentStep });
  const [command, ...given] = commandOf(program);
  // The configuration files of the machine must not change what a backup contains.
  const child = spawn(command, [...given, '--no-defaults', ...args], {
    env: { ...process.env, MYSQL_PWD: new URL(url).password },
  });
  // A program that writes a backup ends without reading.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${program} failed: ${errors}`);
  return output;
}
