import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import { GATEWAY_PORT, SUBGRAPH_LIST, SUBGRAPHS, type SubgraphName } from '#services';

const portOf = (name: SubgraphName) => SUBGRAPH_LIST[name].port;

/** Returns the parts of lines that each handwritten file must contain for a subgraph. */
function linesOf(name: SubgraphName): Record<string, string[]> {
  const [upper, port] = [name.toUpperCase(), portOf(name)];
  const [url, secret] = [`${upper}_SUBGRAPH_URL`, `${upper}_SUBGRAPH_SECRET`];
  const [database, migration] = [`DATABASE_URL_${upper}`, `MIGRATION_DATABASE_URL_${upper}`];
  const address = `http://${name}:${port}/graphql`;
  const account = `mysql://${name}_svc:\${MYSQL_PASSWORD_${upper}:-development-${name}}@mysql:3306/${name}_db`;
  return {
    'codegen.yml': [`subgraphs/${name}/generated/graphql.ts:`, `schema: subgraphs/${name}/schema.graphql`],
    '.env.example': [`${upper}_PORT=${port}`, `${database}=`, `MYSQL_PASSWORD_${upper}=`, `${secret}=`, `${url}=`],
    'docker-compose.yml': [
      `\n  ${name}:\n`,
      `command: [node, subgraphs/${name}/main.ts]`,
      `PORT: ${port}`,
      `DATABASE_URL: ${account}`,
      `${secret}: \${${secret}:-development-compose-${name}}`,
      `${name}: { condition: service_healthy }`,
      `${url}: ${address}`,
      `${database}: mysql://${name}_owner:`,
      `MYSQL_PASSWORD_${upper}: `,
    ],
    'docker-compose.ports.yml': [`${name}: { ports: ["127.0.0.1:\${${upper}_PORT:-${port}}:${port}"] }`],
    [`k8s/base/${name}.yaml`]: [`containerPort: ${port}`, `key: ${database} `, `name: ${secret}`],
    'k8s/base/kustomization.yaml': [`- ${name}.yaml`],
    'k8s/base/config.env': [`${url}=${address}`],
    'k8s/base/gateway.yaml': [`name: ${secret}`],
    'k8s/base/migration.yaml': [`key: ${migration} `],
    'k8s/base/network-policies.yaml': [`port: ${port} `],
    'monitoring/prometheus.yml': [`names: [${name}], type: A, port: ${port},`],
    'k8s/overlays/minikube/accounts.sql': [`'${name}_owner'@`, `'${name}_svc'@`, `CREATE DATABASE ${name}_db;`],
    'k8s/overlays/minikube/secrets.env': [`${secret}=`, `\n${database}=`, `${migration}=`],
    'k8s/overlays/production/secrets.env.example': [`${secret}=`, `\n${database}=`, `${migration}=`],
  };
}

const textOf = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '');

/** Returns the missing lines as "file: line". */
const missing = (lines: Record<string, string[]>) =>
  Object.entries(lines).flatMap(([file, parts]) =>
    parts.filter((part) => !textOf(file).includes(part)).map((part) => `${file}: ${part.trim()}`),
  );

describe('the list of services', () => {
  it.each(['subgraphs/*/main.ts', 'prisma/*/schema.prisma'])(
    'lists exactly the subgraphs that have a file %s',
    (pattern) => {
      const names = globSync(pattern, { cwd: root }).map((file) => file.split('/')[1]);
      expect(names.toSorted()).toEqual(SUBGRAPHS.toSorted());
    },
  );

  it('gives each service a port of its own', () => {
    expect(new Set([GATEWAY_PORT, ...SUBGRAPHS.map(portOf)]).size).toBe(SUBGRAPHS.length + 1);
  });

  it.each(SUBGRAPHS)('has the lines of %s in all handwritten files', (name) => {
    expect(missing(linesOf(name))).toEqual([]);
  });

  it('control: a missing line is reported', () => {
    expect(missing({ 'docker-compose.yml': ['\n  gateway:\n', 'PORT: 1'], 'k8s/base/absent.yaml': ['a'] })).toEqual([
      'docker-compose.yml: PORT: 1',
      'k8s/base/absent.yaml: a',
    ]);
  });
});
