/**
 * npm run check
 *
 * Runs all checks that do not need a running system: types, lint and format, boundaries and unused code. It also checks
 * that the supergraph and docs/api.md match the subgraphs, that the graph breaks no client of the last release, that
 * docs/operations-collection matches docs/tour.md, that docs/messages.md matches the message schemas, and that the alert
 * rules for Kubernetes match monitoring/alerts.yml. It runs all checks before it prints the failures and exits with code 1.
 */
import { writeAlerts } from './alerts.ts';
import { documentApi } from './api-docs.ts';
import { composeSupergraph } from './compose.ts';
import { generate } from './generate.ts';
import { tellStep } from './local/progress.ts';
import { runScript } from './local/run-script.ts';
import { LocalError } from './local/settings.ts';
import { runTool } from './local/tools.ts';
import { documentMessages } from './messages.ts';
import { checkSchema } from './schema.ts';
import { writeCollection } from './tour.ts';

const FOLDERS = ['gateway', 'subgraphs', 'platform', 'prisma', 'scripts', 'clients', 'examples', 'tests', 'bench'];
const TOOLS = {
  Types: ['tsc', '--noEmit'],
  'Types of the box office': ['tsc', '--noEmit', '--project', 'examples/box-office'],
  'Types of the explorer': ['tsc', '--noEmit', '-p', 'explorer'],
  'Lint and format': ['biome', 'ci', '--colors=off', '.'],
  Boundaries: ['depcruise', 'services.ts', ...FOLDERS],
  'Unused code': ['knip'],
} as const;

async function main(): Promise<void> {
  await generate(tellStep);
  const failures: string[] = [];
  const check = (title: string, work: () => unknown) =>
    tellStep(title, work).catch((error) => {
      if (!(error instanceof LocalError)) throw error;
      failures.push(`── ${title}\n${error.message}\n`);
    });
  for (const [title, [tool, ...args]] of Object.entries(TOOLS)) await check(title, () => runTool(tool, args));
  await check('Supergraph', () => composeSupergraph({ checkOnly: true }));
  await check('Page about the graph', () => documentApi({ checkOnly: true }));
  await check('Released schema', checkSchema);
  await check('Operations collection', () => writeCollection({ checkOnly: true }));
  await check('Messages', () => documentMessages({ checkOnly: true }));
  await check('Alerts', () => writeAlerts({ checkOnly: true }));
  if (failures.length > 0) throw new LocalError(failures.join('\n'));
}

await runScript(main);
