/**
 * npm test [-- vitest's arguments]
 *
 * Generates what is missing and runs the tests. Those that need servers get private ones, see tests/global-setup.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { generate } from './generate.ts';
import { tellStep } from './local/progress.ts';
import { runScript } from './local/run-script.ts';
import { root } from './local/settings.ts';

async function main(): Promise<void> {
  await generate(tellStep);
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  const child = spawn(process.execPath, [vitest, 'run', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
}

await runScript(main);
