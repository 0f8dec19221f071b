import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { silentStep } from '#scripts/local/progress.ts';
import { loadSecrets } from '#scripts/local/secrets.ts';
import { adminUrlOf } from '#scripts/local/servers/database-accounts.ts';
import { mariadb, mysql } from '#scripts/local/servers/database-servers.ts';
import { nats } from '#scripts/local/servers/nats.ts';
import { redis } from '#scripts/local/servers/redis.ts';
import { type ServerSpec, startServer } from '#scripts/local/servers/server.ts';
import { findPrograms } from '#scripts/local/servers/servers.ts';

export interface Certificate {
  certFile: string;
  keyFile: string;
}

export interface OwnServer {
  readonly port: number;
  /** The log so far. */
  log(): string;
  /** Makes the server reload its configuration. */
  reload(): void;
  stop(): Promise<void>;
}

/** Starts a server for one test, with settings of that test. */
async function startOwn(
  createSpec: (port: number, dataDir: string) => Promise<ServerSpec> | ServerSpec,
): Promise<OwnServer> {
  const { port } = await freePorts(['port']);
  const dataDir = mkdtempSync(join(tmpdir(), 'ebs-own-'));
  const spec = await createSpec(port, dataDir);
  const commandOf = await findPrograms(spec.programs, {
    database: inject('servers').database,
    dataDir,
    step: silentStep,
  });
  const running = await startServer(spec, { dataDir, commandOf });
  return {
    port,
    log: () => readFileSync(running.logFile, 'utf8'),
    reload: () =>
      process.kill(Number.parseInt(readFileSync(join(dataDir, 'run', `${spec.name}.pid`), 'utf8'), 10), 'SIGHUP'),
    async stop() {
      await running.stop(spec.stopGraceMs);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts a database server, with TLS if there is a certificate. TLS is optional unless `args` require it. */
export async function startDatabase(
  certificate?: Certificate,
  args: readonly string[] = [],
): Promise<OwnServer & { adminUrl: string }> {
  let adminUrl = '';
  const server = await startOwn(async (port, dataDir) => {
    const secrets = await loadSecrets(dataDir);
    adminUrl = adminUrlOf(port, secrets.databases);
    const isMysql = inject('servers').database === 'mysql';
    const spec = (isMysql ? mysql : mariadb)(port, dataDir, secrets);
    const withoutTls = isMysql ? ['--tls-version='] : [];
    const tls = certificate ? [`--ssl-cert=${certificate.certFile}`, `--ssl-key=${certificate.keyFile}`] : withoutTls;
    return { ...spec, args: [...spec.args, ...tls, ...args] };
  });
  return { ...server, adminUrl };
}

/** Starts NATS with additional settings. `change` replaces them while the server runs. */
export async function startNats(settings: object): Promise<OwnServer & { change(settings: object): void }> {
  let file = '';
  let own: object = {};
  const write = (more: object) => writeFileSync(file, JSON.stringify({ ...own, ...more }));
  const server = await startOwn((port, dataDir) => {
    const spec = nats(port, dataDir);
    file = join(dataDir, 'nats', 'nats.conf');
    return {
      ...spec,
      async prepare(commandOf) {
        mkdirSync(join(dataDir, 'nats'));
        await spec.prepare(commandOf);
        own = JSON.parse(readFileSync(file, 'utf8'));
        write(settings);
      },
    };
  });
  return {
    ...server,
    change(more) {
      write(more);
      server.reload();
    },
  };
}

/** Starts Redis with additional arguments, and with a second port for TLS if there is a certificate. */
export async function startRedis(
  args: readonly string[],
  certificate?: Certificate,
): Promise<OwnServer & { tlsPort: number }> {
  const { tlsPort } = await freePorts(['tlsPort']);
  const tls = certificate && [
    ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', certificate.certFile, '--tls-key-file', certificate.keyFile],
    // Redis requires this option, but uses it only to verify client certificates.
    ...['--tls-ca-cert-file', certificate.certFile],
  ];
  const server = await startOwn((port) => {
    const spec = redis(port);
    return {
      ...spec,
      args: [...spec.args, ...args, ...(tls ?? [])],
      greeting: { send: 'PING\r\n', expect: /PONG|NOAUTH/ },
    };
  });
  return { ...server, tlsPort };
}
