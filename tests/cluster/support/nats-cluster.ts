import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { nats } from '#scripts/local/servers/nats.ts';
import { createOwnServer, type OwnServer } from '../../support/own-servers.ts';

const SERVERS = ['n1', 'n2', 'n3'] as const;

/** Three NATS servers that keep copies of each stream. */
export interface NatsCluster {
  readonly servers: readonly (OwnServer & { name: string })[];
  /** The addresses of all servers, as in NATS_URL. */
  readonly url: string;
  remove(): Promise<void>;
}

export async function startNatsCluster(): Promise<NatsCluster> {
  const routePorts = await freePorts(SERVERS);
  const routes = SERVERS.map((name) => `nats://127.0.0.1:${routePorts[name]}`);
  const servers = await Promise.all(
    SERVERS.map(async (name) => {
      const server = await createOwnServer(async (port, dataDir) => {
        const spec = nats(port, dataDir);
        const file = join(dataDir, 'nats', 'nats.conf');
        return {
          url: `nats://127.0.0.1:${port}`,
          spec: {
            ...spec,
            async prepare(commandOf) {
              await spec.prepare(commandOf);
              const cluster = { name: 'event-booking', host: '127.0.0.1', port: routePorts[name], routes };
              const settings = { ...JSON.parse(readFileSync(file, 'utf8')), server_name: name, cluster };
              writeFileSync(file, JSON.stringify(settings));
            },
          },
        };
      });
      return { ...server, name };
    }),
  );
  await Promise.all(servers.map((server) => server.start()));
  return {
    servers,
    url: servers.map(({ url }) => url).join(),
    async remove() {
      await Promise.all(servers.map((server) => server.remove()));
    },
  };
}
