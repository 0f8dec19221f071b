import { describe, expect, it, test } from 'vitest';
import { aptPackages, installAdvice, type System } from './install-advice.ts';

const PROGRAMS = ['mariadbd', 'mariadb-install-db', 'my_print_defaults', 'redis-server', 'nats-server'];

const debian = (version: string) => `ID=debian\nVERSION_ID="${version}"\n`;
const ubuntu = (codename: string) => `ID=ubuntu\nID_LIKE=debian\nUBUNTU_CODENAME=${codename}\n`;
const MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nUBUNTU_CODENAME=noble\n';
const FEDORA = 'ID=fedora\n';

const system = (osRelease: string, platform: NodeJS.Platform = 'linux'): System => ({
  platform,
  osRelease,
  isRoot: false,
});

describe('the advice for missing servers', () => {
  it.each([
    ['Debian 12', debian('12')],
    ['Debian 13', debian('13')],
    ['Ubuntu 24.04', ubuntu('noble')],
    ['Ubuntu 26.04', ubuntu('resolute')],
    ['Linux Mint', MINT],
  ])('is an apt-get command on %s', (_name, osRelease) => {
    expect(installAdvice(PROGRAMS, system(osRelease))).toContain(
      'sudo apt-get update && sudo apt-get install mariadb-server-core mariadb-client-core redis-server nats-server\n',
    );
  });

  it('names the older packages of Ubuntu 22.04 and the download of NATS', () => {
    const advice = installAdvice(PROGRAMS, system(ubuntu('jammy')));
    expect(advice).toContain('apt-get install mariadb-server-core-10.6 mariadb-client-core-10.6 redis-server\n');
    expect(advice).toContain('https://github.com/nats-io/nats-server/releases');
  });

  it('has no apt-get command when only programs without a package are missing', () => {
    expect(installAdvice(['nats-server'], system(ubuntu('jammy')))).not.toContain('apt-get');
  });

  it('names the section universe on Ubuntu but not on Debian', () => {
    expect(installAdvice(PROGRAMS, system(ubuntu('noble')))).toContain('sudo add-apt-repository universe');
    expect(installAdvice(PROGRAMS, system(debian('13')))).not.toContain('universe');
  });

  it('is a brew command on macOS', () => {
    expect(installAdvice(PROGRAMS, system('', 'darwin'))).toContain('brew install mariadb redis nats-server\n');
  });

  it('names only the packages of the missing programs', () => {
    expect(installAdvice(['redis-server'], system(debian('13')))).toContain('apt-get install redis-server\n');
    expect(installAdvice(['redis-server'], system('', 'darwin'))).toContain('brew install redis\n');
  });

  it('leaves out sudo for root', () => {
    expect(installAdvice(PROGRAMS, { ...system(debian('12')), isRoot: true })).not.toContain('sudo');
  });

  it.each([debian('12'), ubuntu('jammy'), FEDORA, ''])('names Docker Compose on every system', (osRelease) => {
    expect(installAdvice(PROGRAMS, system(osRelease))).toContain('docker compose up --build --wait');
  });
});

test('other systems have no apt packages', () => {
  expect(aptPackages(PROGRAMS, system(FEDORA))).toBeUndefined();
  expect(aptPackages(PROGRAMS, system('', 'darwin'))).toBeUndefined();
});
