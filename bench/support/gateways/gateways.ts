import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalProcess, runToEnd, startProcess } from '#scripts/local/processes/processes.ts';
import { LocalError, portVariable, root } from '#scripts/local/settings.ts';
import { GRAPH, type GraphName, SCHEMAS, subgraphUrls } from './graph.ts';

const INSTALL_TIMEOUT_MS = 300_000;

/** Where the subgraphs and their supergraph are, and where the gateway listens. */
export interface Place {
  readonly dataDir: string;
  readonly supergraphFile: string;
  readonly subgraphPorts: Record<GraphName, number>;
  readonly port: number;
}

/** A gateway to compare ours with. */
export interface OtherGateway {
  /** The name of its process and of its folder under .data/bench. */
  readonly name: string;
  readonly title: string;
  /** The packages that npm installs for it, as in package.json. The project itself does not use them. */
  readonly packages?: { dependencies: Record<string, string>; overrides?: Record<string, string> };
  command(place: Place, folder: string): { command: string; args: string[]; env?: Record<string, string> };
}

const script = (file: string) => join(import.meta.dirname, file);

export const APOLLO: OtherGateway = {
  name: 'apollo',
  title: '@apollo/gateway on Apollo Server',
  command: ({ supergraphFile }) => ({
    command: process.execPath,
    args: [script('apollo.ts')],
    env: { SUPERGRAPH_PATH: supergraphFile },
  }),
};

/** The other gateways, each with the defaults of its documentation. */
export const OTHERS: readonly OtherGateway[] = [
  {
    name: 'hive',
    title: 'Hive Gateway 2.15.1',
    packages: {
      dependencies: { '@graphql-hive/gateway': '2.15.1', graphql: '16.15.0' },
      // It does not start with later versions.
      overrides: { '@graphql-tools/batch-execute': '10.2.0' },
    },
    command: ({ supergraphFile, port }, folder) => ({
      command: process.execPath,
      args: [
        join(folder, 'node_modules/.bin/hive-gateway'),
        ...['supergraph', supergraphFile, '--host', '127.0.0.1', '--port', String(port), '--fork', '1'],
      ],
    }),
  },
  {
    name: 'mercurius',
    title: 'Mercurius 16.10.1, @mercuriusjs/gateway 5.2.0',
    packages: {
      dependencies: { '@mercuriusjs/gateway': '5.2.0', mercurius: '16.10.1', fastify: '5.12.8', graphql: '16.11.0' },
      // It does not start with later versions.
      overrides: { graphql: '16.11.0' },
    },
    command: (_place, folder) => ({
      command: process.execPath,
      args: [script('mercurius.ts')],
      env: { PACKAGES: folder },
    }),
  },
  {
    name: 'grafbase',
    title: 'Grafbase CLI 0.103.0 (`grafbase dev`)',
    packages: { dependencies: { '@grafbase/cli-x86_64-unknown-linux-musl': '0.103.0' } },
    command: ({ dataDir, subgraphPorts, port }, folder) => {
      const command = join(folder, 'node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase');
      chmodSync(command, 0o755);
      const config = join(dataDir, 'grafbase.toml');
      writeFileSync(config, grafbaseConfig(dataDir, subgraphPorts));
      return {
        command,
        args: ['dev', '--config', config, '--listen-address', `127.0.0.1:${port}`],
        // It unpacks files into the home folder.
        env: { HOME: dataDir },
      };
    },
  },
];

function grafbaseConfig(dataDir: string, ports: Record<GraphName, number>): string {
  const tables = GRAPH.map((name) => {
    const schemaFile = join(dataDir, `${name}.graphql`);
    writeFileSync(schemaFile, SCHEMAS[name]);
    const [url, path] = [subgraphUrls(ports)[name], schemaFile].map((value) => JSON.stringify(value));
    return `[subgraphs.${name}]\nurl = ${url}\nschema_path = ${path}\n`;
  });
  return tables.join('\n');
}

/**
 * Installs the packages of a gateway into its folder under .data/bench if they are missing. Returns the folder.
 * @throws LocalError when npm fails
 */
export async function installGateway({ name, packages }: OtherGateway, dataDir: string): Promise<string> {
  const folder = join(root, '.data/bench', name);
  const manifestFile = join(folder, 'package.json');
  const manifest = `${JSON.stringify({ private: true, ...packages }, null, 2)}\n`;
  const doneFile = join(folder, 'installed.json');
  const isDone = existsSync(doneFile) && readFileSync(doneFile, 'utf8') === manifest;
  if (packages === undefined || isDone) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(manifestFile, manifest);
  const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
  const install = { name: `install-${name}`, command: 'npm', args, dataDir };
  await runToEnd(install, INSTALL_TIMEOUT_MS).catch((cause) => {
    throw new LocalError('npm could not install its packages.', { cause });
  });
  writeFileSync(doneFile, manifest);
  return folder;
}

/** Starts a gateway. Returns before the gateway listens. */
export function startGateway(gateway: OtherGateway, folder: string, place: Place): LocalProcess {
  const { command, args, env } = gateway.command(place, folder);
  const ports = Object.fromEntries(GRAPH.map((name) => [portVariable(name), String(place.subgraphPorts[name])]));
  const production = { NODE_ENV: 'production', APOLLO_TELEMETRY_DISABLED: '1', PORT: String(place.port) };
  return startProcess({
    name: gateway.name,
    command,
    args,
    env: { ...process.env, ...production, ...ports, ...env },
    dataDir: place.dataDir,
  });
}
