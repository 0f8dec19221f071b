/** The properties of a system that decide how programs are installed. */
export interface System {
  platform: NodeJS.Platform;
  /** The text of /etc/os-release. It is empty on systems without this file. */
  osRelease: string;
  isRoot: boolean;
}

type Packages = Readonly<Record<string, string | undefined>>;

const mariadbPackages = (version: string): Packages => ({
  mariadbd: `mariadb-server-core${version}`,
  'mariadb-install-db': `mariadb-server-core${version}`,
  my_print_defaults: `mariadb-client-core${version}`,
  mariadb: `mariadb-client-core${version}`,
  'mariadb-dump': `mariadb-client${version}`,
});
/** The package of each program in Debian 12 and 13 and in Ubuntu 24.04 and 26.04. */
const APT_PACKAGES: Packages = {
  ...mariadbPackages(''),
  mariabackup: 'mariadb-backup',
  wsrep_sst_mariabackup: 'mariadb-server',
  promtool: 'prometheus',
};
/** The packages of Ubuntu 22.04. It has no package for NATS. */
const JAMMY_PACKAGES: Packages = { ...mariadbPackages('-10.6'), 'nats-server': undefined };
const BREW_PACKAGES: Packages = {
  mariadbd: 'mariadb',
  'mariadb-install-db': 'mariadb',
  my_print_defaults: 'mariadb',
  'mariadb-dump': 'mariadb',
  'redis-server': 'redis',
};

/**
 * Returns the apt packages of the programs, and the programs without a package. A program that is not in a table has a
 * package of the same name. Returns undefined on systems other than Debian, Ubuntu and their derivatives.
 */
export function aptPackages(programs: readonly string[], { platform, osRelease }: System) {
  if (platform !== 'linux' || !/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(osRelease)) return undefined;
  return packagesIn(isJammy(osRelease) ? JAMMY_PACKAGES : APT_PACKAGES, programs);
}

/** Returns advice for missing programs: the command that installs them on this system, and alternatives. */
export function installAdvice(missing: readonly string[], system: System): string {
  return [
    `Missing on this machine: ${missing.join(', ')}.`,
    ...stepsOn(system, missing),
    'Or run everything in containers: docker compose up --build --wait',
    'Or set DATABASE_URL_USER and so on, REDIS_URL and NATS_URL in the file .env to your own servers.',
  ].join('\n');
}

function stepsOn(system: System, missing: readonly string[]): string[] {
  const apt = aptPackages(missing, system);
  const sudo = system.isRoot ? '' : 'sudo ';
  if (apt !== undefined) {
    const { packages, unpackaged } = apt;
    const install = `${sudo}apt-get update && ${sudo}apt-get install ${packages.join(' ')}`;
    return [
      ...(packages.length === 0 ? [] : [`Install the packages: ${install}`]),
      ...(isUbuntu(system.osRelease) && packages.length > 0
        ? [`If apt-get does not find a package, first enable universe: ${sudo}add-apt-repository universe`]
        : []),
      ...(unpackaged.includes('nats-server')
        ? [
            'Ubuntu 22.04 has no package for nats-server. Download it from\n' +
              'https://github.com/nats-io/nats-server/releases and copy it to /usr/local/bin.',
          ]
        : []),
    ];
  }
  if (system.platform === 'darwin') {
    return [`Install the packages: brew install ${packagesIn(BREW_PACKAGES, missing).packages.join(' ')}`];
  }
  return ['Install MariaDB, Redis and NATS with the package manager of this system.'];
}

function packagesIn(names: Packages, programs: readonly string[]) {
  const nameOf = (program: string) => (program in names ? names[program] : program);
  return {
    packages: [...new Set(programs.map(nameOf))].filter((name) => name !== undefined),
    unpackaged: programs.filter((program) => nameOf(program) === undefined),
  };
}

/** Derivatives such as Linux Mint also have the code name of the Ubuntu release. */
const isUbuntu = (osRelease: string) => /^UBUNTU_CODENAME=/m.test(osRelease);
const isJammy = (osRelease: string) => /^UBUNTU_CODENAME=jammy$/m.test(osRelease);
