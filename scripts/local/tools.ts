import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LocalError, root } from './settings.ts';

const TIMEOUT_MS = 300_000;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;

/** Runs an installed command-line tool at the root. Returns its output. @throws LocalError with its output */
export async function runTool(name: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const options = {
    cwd: root,
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
    env: { ...process.env, CHECKPOINT_DISABLE: '1', NO_COLOR: '1' },
    ...(signal && { signal }),
  };
  try {
    const tool = join(root, 'node_modules', '.bin', name);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [tool, ...args], options);
    return stdout + stderr;
  } catch (error) {
    signal?.throwIfAborted();
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new LocalError((stdout + stderr).trim() || message, { cause: error });
  }
}
