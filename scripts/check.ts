/**
 * npm run check
 *
 * Everything that can be told without running the system: types, lint and format, boundaries, unused code, whether
 * the supergraph is what the subgraphs compose to, and whether docs/messages.md is what their message schemas say. Does
 * all of it, then reports what is wrong with exit code 1.
 */
import { composeSupergraph } from './compose.ts';
import { generate } from './generate.ts';
import { tellStep } from './local/progress.ts';
import { runScript } from './local/run-script.ts';
import { LocalError } from './local/settings.ts';
import { runTool } from './local/tools.ts';
import { documentMessages } from './messages.ts';

const TOOLS = {
  Types: ['tsc', '--noEmit'],
  'Lint and format': ['biome', 'ci', '--colors=off', '.'],
  Boundaries: ['depcruise', 'services.ts', 'gateway', 'subgraphs', 'platform', 'prisma', 'scripts', 'tests', 'bench'],
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
  await check('Messages', () => documentMessages({ checkOnly: true }));
  if (failures.length > 0) throw new LocalError(failures.join('\n'));
}

await runScript(main);
