import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { root } from './settings.ts';

/** Runs a Node program with this terminal and passes signals on. Its exit code becomes the exit code of this process. */
export async function runToExit(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
}
