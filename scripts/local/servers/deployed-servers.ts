import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runToEnd } from '../processes/processes.ts';
import { type CommandOf, findProgram } from '../programs.ts';
import type { Step } from '../progress.ts';
import { LocalError, root } from '../settings.ts';

/** What docker-compose.yml and k8s deploy: the version, and the Debian package that has it. */
export const DEPLOYED = [
  { title: 'MySQL', packageName: 'mysql-server-core', version: '9.7.4' },
  { title: 'NATS', packageName: 'nats-server', version: '2.15.1' },
  { title: 'Redis', packageName: 'redis-server', version: '8.0.6' },
] as const;

const NEEDED =
  'The servers that are deployed are fetched from Debian, once; see docs/decisions/0013-support-mariadb-and-mysql.md.';
const ADVICE = 'Run this on Debian, or in a container of it.';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const APT_GET = 'apt-get';
const STEP_TIMEOUT_MS = 600_000;
const CACHE = join(root, '.data', 'servers');
const NAME = DEPLOYED.map(({ title, version }) => `${title.toLowerCase()}-${version}`).join('_');

/**
 * MySQL, NATS and Redis in the versions that are deployed. They are packages of Debian's sid suite, which are fetched
 * once into .data/servers and unpacked. Nothing is installed, so that this needs no root.
 * @throws LocalError saying what this machine lacks.
 */
export async function deployedServers(dataDir: string, step: Step, cache = CACHE): Promise<CommandOf> {
  const fetched = join(cache, NAME);
  if (!existsSync(fetched)) await step('Fetching the deployed servers', () => fetchServers(fetched, dataDir), String);
  // The packages need a newer C library than that of most machines. So its own loader runs each program, in the same
  // process: the pid is the server's.
  const loader = find(fetched, 'usr/lib*/ld-linux*.so.*');
  const libraries = find(fetched, 'usr/lib/*-linux-gnu');
  return (program) => [loader, '--library-path', libraries, find(fetched, `usr/{bin,sbin}/${program}`)];
}

function find(folder: string, pattern: string): string {
  const [file] = globSync(pattern, { cwd: folder });
  if (file === undefined) throw new LocalError(`${folder} lacks ${pattern}. Remove it and try again.`);
  return join(folder, file);
}

/** Several may do it at once: each works in a folder of its own, and the last step is one rename. */
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
      // Another run was faster.
      if (!existsSync(fetched)) throw error;
    });
    return versions;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The mirror of Debian that this machine's apt uses. @throws LocalError when apt uses none */
function debianMirror(): string {
  const sites = execFileSync(APT_GET, ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']);
  const mirror = sites
    .toString()
    .split('\n')
    .find((site) => /\/debian\/?$/.test(site));
  if (mirror !== undefined) return mirror;
  throw new LocalError(`${NEEDED}\nThe sources of apt on this machine name no mirror of Debian. ${ADVICE}`);
}

/** Has apt resolve the packages and fetch what they need, with a state of its own. Answers the folder they are in. */
async function download(folder: string, dataDir: string): Promise<string> {
  const archives = join(folder, 'archives');
  const configuration = join(folder, 'apt.conf');
  for (const name of ['state/lists/partial', 'cache', 'archives/partial']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${debianMirror()} sid main\n`);
  // Read after this machine's own settings, which may name a proxy. A mirror that has stood still for a while will do.
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
  const packages = DEPLOYED.map(({ packageName }) => packageName);
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
 * What came, as text. Sid moves on: a later patch will do, a later series is not what is deployed.
 * @throws LocalError naming the packages that are of another series.
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
      `Debian's sid suite now has ${differences.join(', ')}. Change the versions in docker-compose.yml,\n` +
        'in k8s and in scripts/local/servers/deployed-servers.ts, so that they are deployed, and run the tests again.',
    );
  }
  return found.map(({ title, fetched }) => `${title} ${fetched}`).join(', ');
}

const seriesOf = (version: string) => version.split('.').slice(0, 2).join('.');
