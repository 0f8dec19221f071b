/**
 * node scripts/bootstrap.mjs <script.ts> [arguments]
 *
 * Runs a script of this repository. It works on a fresh clone with Node 20 or newer. It installs the dependencies when
 * they are missing or differ from package-lock.json. Then it runs the script with the Node version that is one of the
 * dependencies. It passes signals on to the script and exits with the script's exit code. When npm started it and npm
 * dies, it sends SIGTERM to the script.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { refusalOf } from './local/refusal.mjs';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
const PARENT_POLL_MS = 500;
const CHECK_TIMEOUT_MS = 10_000;
const NODE_MAJOR_MIN = 24;

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const node = join(modules, 'node', 'bin', 'node');
const env = { ...process.env, PATH: [join(modules, '.bin'), process.env.PATH].join(delimiter) };

const refusal = refusalOf({
  platform: process.platform,
  uid: process.getuid?.(),
  sudoUid: process.env.SUDO_UID,
  ownerUid: statSync(root).uid,
});
if (refusal !== '') exit(refusal);

const [script, ...args] = process.argv.slice(2);
if (script === undefined) exit('usage: node scripts/bootstrap.mjs <script.ts> [arguments]');
if (!isInstalled()) await install();
process.exitCode = (await run(await nodeOfTheProject(), [script, ...args], 'inherit')).code;

/** True when node_modules has every package of package-lock.json in the right version. */
function isInstalled() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record) || !existsSync(node)) return false;
  const installed = packagesIn(record);
  return Object.entries(packagesIn(join(root, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

/** @returns {Record<string, { version?: string, optional?: boolean }>} */
function packagesIn(/** @type {string} */ lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/**
 * Does not use `npm ci`, because it refuses a lock file without the packages of other platforms. The install script of
 * the package node is the only one that the project needs.
 */
function install() {
  return step('Installing the dependencies', [
    ['npm', 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'],
    ['npm', 'rebuild', 'node'],
  ]);
}

/** The path of the Node from the dependencies. If it does not run on this machine, the Node that runs this script. */
async function nodeOfTheProject() {
  if (complaintOf(node).includes('libatomic') && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    await step('Installing libatomic1, which Node needs', [
      ['apt-get', 'update'],
      ['apt-get', 'install', '--yes', '--no-install-recommends', 'libatomic1'],
    ]);
  }
  const complaint = complaintOf(node);
  if (complaint === '') return node;
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) return process.execPath;
  const nextStep = complaint.includes('libatomic')
    ? 'Install libatomic1 (on Debian and Ubuntu: sudo apt-get install libatomic1), or install a newer Node.'
    : 'Install a newer Node.';
  return exit(
    `Node ${NODE_MAJOR_MIN} or newer is needed, and this is ${process.version}. ${nextStep}\n` +
      `The Node in node_modules does not run on this machine:\n${complaint}`,
  );
}

/** The reason why a program does not run on this machine; empty when it runs. */
function complaintOf(/** @type {string} */ program) {
  const { status, stderr, error } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: CHECK_TIMEOUT_MS });
  return status === 0 ? '' : stderr || String(error);
}

/** Runs the commands in order and prints the title and the duration. Exits with their output when one fails. */
async function step(/** @type {string} */ title, /** @type {[string, ...string[]][]} */ commands) {
  const startedAt = Date.now();
  process.stdout.write(`  … ${title}\n`);
  for (const [command, ...commandArgs] of commands) {
    const { code, output } = await run(command, commandArgs, 'pipe');
    if (code !== 0) exit(`${output}\n${command} ${commandArgs[0]} failed, so nothing was started.`);
  }
  process.stdout.write(`  ✓ ${title} (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)\n`);
}

/**
 * Runs a command to its end and passes signals on to it. As in a shell, the code is 128 + n after signal n.
 * @param {string} command
 * @param {string[]} commandArgs
 * @param {'inherit' | 'pipe'} stdio
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(command, commandArgs, stdio) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, {
      cwd: root,
      env,
      stdio: stdio === 'pipe' ? ['ignore', stdio, stdio] : stdio,
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));

    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, forward);
    const parents = parentsOfThis();
    const isByNpm = process.env.npm_lifecycle_event !== undefined;
    const watch = setInterval(() => isByNpm && parentsOfThis() !== parents && child.kill('SIGTERM'), PARENT_POLL_MS);

    const end = (/** @type {number} */ code) => {
      clearInterval(watch);
      for (const signal of SIGNALS) process.off(signal, forward);
      resolve({ code, output });
    };
    child.once('error', (error) => {
      output += error;
      end(127);
    });
    child.once('close', (code, signal) => end(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
}

/**
 * The pids of the parent (the shell that npm started) and, on Linux, of npm itself. They change when either of them
 * dies. Both can die without passing the signal on.
 */
function parentsOfThis() {
  const shell = `/proc/${process.ppid}/stat`;
  const npm = existsSync(shell) ? readFileSync(shell, 'utf8').split(') ').at(-1)?.split(' ')[1] : undefined;
  return `${process.ppid} ${npm}`;
}

/** @returns {never} */
function exit(/** @type {string} */ message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
