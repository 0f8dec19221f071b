/**
 * node scripts/box-office.ts
 *
 * Builds examples/box-office/dist, which the gateway serves at /. Does nothing if no source is newer than the build.
 */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './generate.ts';
import { type Step, tellStep } from './local/progress.ts';
import { runScript } from './local/run-script.ts';
import { root } from './local/settings.ts';
import { runTool } from './local/tools.ts';

const SOURCES = [
  'package-lock.json',
  'examples/box-office/{index.html,vite.config.ts}',
  'examples/box-office/src/**/*.*',
  'clients/typescript/**/*.ts',
];
const PAGE = 'examples/box-office/dist/index.html';

/** Builds the box office if its sources have changed. */
export async function buildBoxOffice(step: Step, signal?: AbortSignal): Promise<void> {
  const changedAtMs = (file: string) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root }));
  if (changedAtMs(PAGE) > Math.max(...sources.map(changedAtMs))) return;
  await step('Building the box office', () => runTool('vite', ['build', 'examples/box-office'], signal));
}

if (import.meta.main) {
  await runScript(async () => {
    await generate(tellStep);
    await buildBoxOffice(tellStep);
  });
}
