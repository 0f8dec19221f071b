import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { runToEnd } from '../processes/processes.ts';
import { findProgram } from '../programs.ts';
import type { Step } from '../progress.ts';
import { LocalError } from '../settings.ts';

const APT_TIMEOUT_MS = 600_000;

/** The Debian package that brings each program. */
const PACKAGES: Readonly<Record<string, string>> = {
  mariadbd: 'mariadb-server-core',
  'mariadb-install-db': 'mariadb-server-core',
  my_print_defaults: 'mariadb-client-core',
  'redis-server': 'redis-server',
  'nats-server': 'nats-server',
};

/** Sees to it that the programs are there: root on Debian gets the packages installed. @throws LocalError */
export async function requirePrograms(programs: readonly string[], dataDir: string, step: Step): Promise<void> {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PACKAGES[program] ?? program))];
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || findProgram('apt-get') === undefined) {
    throw new LocalError(
      `Missing on this machine: ${missing.join(', ')}.\n` +
        `Install them (on Debian or Ubuntu: sudo apt-get install ${packages.join(' ')}), set DATABASE_URL_*, REDIS_URL\n` +
        'and NATS_URL to servers of yours, or run everything in containers: docker compose up.',
    );
  }
  await step(`Installing ${packages.join(', ')}`, () => installPackages(packages, dataDir));
}

async function installPackages(packages: readonly string[], dataDir: string): Promise<void> {
  const apt = { command: 'apt-get', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, dataDir };
  const options = ['--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60'];
  const letServicesStart = keepServicesDown();
  try {
    await runToEnd({ ...apt, name: 'apt-get-update', args: ['update'] }, APT_TIMEOUT_MS);
    await runToEnd({ ...apt, name: 'apt-get-install', args: ['install', ...options, ...packages] }, APT_TIMEOUT_MS);
  } finally {
    letServicesStart();
  }
}

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY =
  '#!/bin/sh\n# Written by the Event Booking System while it installs packages; safe to remove.\nexit 101\n';

/** Packages do not start the services that they bring until what this answers is called. */
function keepServicesDown(): () => void {
  // A policy of the machine's own stays.
  const isOurs = !existsSync(POLICY_FILE) || readFileSync(POLICY_FILE, 'utf8') === POLICY;
  if (isOurs) writeFileSync(POLICY_FILE, POLICY, { mode: 0o755 });
  return () => {
    if (isOurs) rmSync(POLICY_FILE, { force: true });
  };
}
