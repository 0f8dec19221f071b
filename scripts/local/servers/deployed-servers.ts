import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runToEnd } from '../processes/processes.ts';
import { type CommandOf, findProgram } from '../programs.ts';
import type { Step } from '../progress.ts';
import { LocalError, root } from '../settings.ts';

/** The server versions that docker-compose.yml and k8s deploy, and the Debian packages that contain them. */
export const DEPLOYED = [
  { title: 'MySQL', packageName: 'mysql-server-core', version: '9.7.4' },
  { title: 'NATS', packageName: 'nats-server', version: '2.15.1' },
  { title: 'Redis', packageName: 'redis-server', version: '8.0.6' },
] as const;

/** The programs that write and restore backups. */
const CLIENT_PACKAGES = ['mysql-client-core'];

const NEEDED =
  'MySQL, NATS and Redis are fetched from Debian once. See docs/decisions/0013-support-mariadb-and-mysql.md.';
const ADVICE = 'Run this command on Debian or in a Debian container.';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const APT_GET = 'apt-get';
const STEP_TIMEOUT_MS = 600_000;
const CACHE = join(root, '.data', 'servers');
const NAME = [...DEPLOYED.map(({ title, version }) => `${title.toLowerCase()}-${version}`), 'clients'].join('_');

/**
 * Returns how to run MySQL, NATS and Redis in the deployed versions. They are packages of Debian's suite sid. They are
 * fetched once and unpacked into .data/servers. Nothing is installed, so this does not need root.
 * @throws LocalError that names the missing tools of this machine
 */
export async function deployedServers(dataDir: string, step: Step, cache = CACHE): Promise<CommandOf> {
  const fetched = join(cache, NAME);
  if (!existsSync(fetched)) await step('Fetching the deployed servers', () => fetchServers(fetched, dataDir), String);
  // The packages need a newer C library than most machines have. So the loader of that library runs each program. The
  // loader does not fork, so its pid is the pid of the server.
  const loader = find(fetched, 'usr/lib*/ld-linux*.so.*');
  const libraries = find(fetched, 'usr/lib/*-linux-gnu');
  return (program) => [loader, '--library-path', libraries, find(fetched, `usr/{bin,sbin}/${program}`)];
}

function find(folder: string, pattern: string): string {
  const [file] = globSync(pattern, { cwd: folder });
  if (file === undefined) throw new LocalError(`${folder} lacks ${pattern}. Remove this folder and try again.`);
  return join(folder, file);
}

/** Several processes may run this at the same time: each works in its own folder, and the last step is one rename. */
async function fetchServers(fetched: string, dataDir: string): Promise<string> {
  const missing = [APT_GET, 'dpkg'].filter((name) => findProgram(name) === undefined);
  if (!existsSync(KEYRING)) missing.push(KEYRING);
  if (missing.length > 0) {
    throw new LocalError(`${NEEDED}\nMissing on this machine: ${missing.join(', ')}. ${ADVICE}`);
  }
  await mkdir(dirname(fetched), { recursive: true });
  const folder = await mkdtemp(`${fetched}.new-`);
  try {
    const archives = await download(folder, dataDir);
    const versions = versionsIn(await readdir(archives));
    const script = 'for file in "$1"/*.deb; do dpkg --extract "$file" "$2"; done';
    const args = ['-ec', script, 'sh', archives, join(folder, 'root')];
    await runToEnd({ name: 'unpack-servers', command: 'sh', args, dataDir }, STEP_TIMEOUT_MS);
    await rename(join(folder, 'root'), fetched).catch((error: unknown) => {
      // Another process has fetched them in the meantime.
      if (!existsSync(fetched)) throw error;
    });
    return versions;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Returns the URL of the Debian mirror that apt uses on this machine. @throws LocalError when apt uses none */
function debianMirror(): string {
  const sites = execFileSync(APT_GET, ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']);
  const mirror = sites
    .toString()
    .split('\n')
    .find((site) => /\/debian\/?$/.test(site));
  if (mirror !== undefined) return mirror;
  throw new LocalError(`${NEEDED}\nThe apt sources of this machine name no Debian mirror. ${ADVICE}`);
}

/** Fetches the packages and their dependencies, separate from the machine's apt state. Returns their folder. */
async function download(folder: string, dataDir: string): Promise<string> {
  const archives = join(folder, 'archives');
  const configuration = join(folder, 'apt.conf');
  for (const name of ['state/lists/partial', 'cache', 'archives/partial']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${debianMirror()} sid main\n`);
  // apt reads this file after the settings of the machine, which may name a proxy. An outdated mirror is accepted.
  await writeFile(
    configuration,
    `Dir::State "${folder}/state";
     Dir::State::status "${folder}/status";
     Dir::Cache "${folder}/cache";
     Dir::Cache::archives "${folder}/archives";
     Dir::Etc::sourcelist "${folder}/sources.list";
     Dir::Etc::sourceparts "-";
     Dir::Etc::preferences "-";
     Dir::Etc::preferencesparts "-";
     APT::Sandbox::User "root";
     APT::Update::Error-Mode "any";
     APT::Install-Recommends "false";
     Acquire::Languages "none";
     Acquire::Check-Valid-Until "false";
     #clear APT::Update::Post-Invoke;
     #clear APT::Update::Post-Invoke-Success;`,
  );
  const apt = { command: APT_GET, env: { ...process.env, APT_CONFIG: configuration }, dataDir };
  const packages = [...DEPLOYED.map(({ packageName }) => packageName), ...CLIENT_PACKAGES];
  try {
    await runToEnd({ ...apt, name: 'apt-update-servers', args: ['update'] }, STEP_TIMEOUT_MS);
    const args = ['install', '--download-only', '--yes', ...packages];
    await runToEnd({ ...apt, name: 'apt-fetch-servers', args }, STEP_TIMEOUT_MS);
  } catch (error) {
    if (error instanceof LocalError) error.message = `${NEEDED}\n${error.message}`;
    throw error;
  }
  return archives;
}

/**
 * Returns the versions of the fetched packages as text. Debian's sid changes over time. A later patch is accepted. A
 * later series is refused, because it is not deployed.
 * @throws LocalError that names the packages of another series
 */
export function versionsIn(files: readonly string[]): string {
  const found = DEPLOYED.map(({ title, packageName, version }) => {
    const [, fetched = 'nothing'] =
      files.join('\n').match(new RegExp(`^${packageName}_(?:\\d+%3a)?([\\d.]+)`, 'm')) ?? [];
    return { title, version, fetched, isSame: seriesOf(fetched) === seriesOf(version) };
  });
  const others = found.filter(({ isSame }) => !isSame);
  if (others.length > 0) {
    const differences = others.map(({ title, version, fetched }) => `${title} ${fetched} instead of ${version}`);
    throw new LocalError(
      `Debian's suite sid now has ${differences.join(', ')}.\n` +
        'Change the versions in docker-compose.yml, k8s and scripts/local/servers/deployed-servers.ts. Then run the tests.',
    );
  }
  return found.map(({ title, fetched }) => `${title} ${fetched}`).join(', ');
}

const seriesOf = (version: string) => version.split('.').slice(0, 2).join('.');
