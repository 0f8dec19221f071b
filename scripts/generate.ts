/**
 * npm run generate
 *
 * Writes subgraphs/<name>/generated: the Prisma client from prisma/<name>/schema.prisma and the resolver types from
 * subgraphs/<name>/schema.graphql. Also writes docs/tour.graphql, the operations of docs/tour.md, and with them
 * gateway/generated: the manifest of trusted documents, and the bundle of the explorer. The typed documents of
 * clients/typescript/operations.graphql go to clients/typescript/generated. Does nothing if the inputs have not changed.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SUBGRAPHS } from '#services';
import { type Step, tellStep } from './local/progress.ts';
import { runScript } from './local/run-script.ts';
import { root } from './local/settings.ts';
import { runTool } from './local/tools.ts';
import { readTour } from './tour.ts';

const INPUTS = [
  'codegen.yml',
  'package-lock.json',
  'prisma/prisma-config.ts',
  'prisma/*/{schema.prisma,prisma.config.ts}',
  'subgraphs/*/schema.graphql',
  'gateway/supergraph.graphql',
  'docs/tour.md',
  'clients/typescript/operations.graphql',
  'explorer/*',
  'scripts/seed/{catalogue,gateway}.ts',
  'scripts/tour/steps.ts',
];
const OUTPUTS = [
  ...SUBGRAPHS.flatMap((name) =>
    ['prisma/client.ts', 'graphql.ts'].map((file) => join(root, 'subgraphs', name, 'generated', file)),
  ),
  join(root, 'gateway/generated/trusted-documents/persisted-documents.json'),
  join(root, 'clients/typescript/generated/graphql.ts'),
  join(root, 'gateway/generated/explorer/index.html'),
  join(root, 'docs/tour.graphql'),
];
const STAMP_FILE = join(root, 'node_modules', '.cache', 'event-booking-system', 'generated');

/** Generates all code that is not in the repository, if its inputs have changed. */
export async function generate(step: Step, signal?: AbortSignal): Promise<void> {
  const stamp = stampOfInputs();
  if (
    OUTPUTS.every((file) => existsSync(file)) &&
    existsSync(STAMP_FILE) &&
    readFileSync(STAMP_FILE, 'utf8') === stamp
  ) {
    return;
  }
  const operations = readTour().map(({ operation }) => operation);
  writeFileSync(join(root, 'docs/tour.graphql'), operations.join('\n'));
  const prisma = SUBGRAPHS.map((name) => ['prisma', 'generate', '--config', `prisma/${name}/prisma.config.ts`]);
  const commands = [...prisma, ['graphql-codegen', '--config', 'codegen.yml'], ['vite', 'build', 'explorer']];
  await step('Generating Prisma clients, GraphQL types and the explorer', () =>
    Promise.all(commands.map(([tool = '', ...args]) => runTool(tool, args, signal))),
  );
  mkdirSync(dirname(STAMP_FILE), { recursive: true });
  writeFileSync(STAMP_FILE, stamp);
}

function stampOfInputs(): string {
  const hash = createHash('sha256');
  for (const file of INPUTS.flatMap((pattern) => globSync(pattern, { cwd: root })).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

if (import.meta.main) await runScript(() => generate(tellStep));
