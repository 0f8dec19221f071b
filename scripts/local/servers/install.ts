import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { runToEnd } from '../processes/processes.ts';
import { findProgram } from '../programs.ts';
import type { Step } from '../progress.ts';
import { LocalError } from '../settings.ts';
import { aptPackages, installAdvice, type System } from './install-advice.ts';

const APT_TIMEOUT_MS = 600_000;

/**
 * Makes sure that the programs are installed. As root on Debian or Ubuntu, it installs the missing packages.
 * @throws LocalError that names the missing programs and says how to install them
 */
export async function requirePrograms(programs: readonly string[], dataDir: string, step: Step): Promise<void> {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return;
  const system: System = { platform: process.platform, osRelease: readOsRelease(), isRoot: process.getuid?.() === 0 };
  const apt = system.isRoot ? aptPackages(missing, system) : undefined;
  if (apt === undefined || apt.unpackaged.length > 0) throw new LocalError(installAdvice(missing, system));
  await step(`Installing ${apt.packages.join(', ')}`, () => installPackages(apt.packages, dataDir));
}

const OS_RELEASE = '/etc/os-release';
const readOsRelease = () => (existsSync(OS_RELEASE) ? readFileSync(OS_RELEASE, 'utf8') : '');

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

/** Stops packages from starting their services until the returned function is called. */
function keepServicesDown(): () => void {
  // Do not replace a policy of the machine.
  const isOurs = !existsSync(POLICY_FILE) || readFileSync(POLICY_FILE, 'utf8') === POLICY;
  if (isOurs) writeFileSync(POLICY_FILE, POLICY, { mode: 0o755 });
  return () => {
    if (isOurs) rmSync(POLICY_FILE, { force: true });
  };
}
