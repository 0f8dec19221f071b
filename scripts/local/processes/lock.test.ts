import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockDataDir } from './lock.ts';

test('one process at a time locks a data folder, and killing that process unlocks it at once', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ebs-lock-'));
  const script = `const { lockDataDir } = await import(process.argv[1]);
    lockDataDir(process.argv[2]); console.log('locked'); setInterval(() => undefined, 1_000);`;
  const args = ['--input-type=module', '--eval', script, join(import.meta.dirname, 'lock.ts'), dataDir];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');

  expect(() => lockDataDir(dataDir)).toThrow(`pid ${holder.pid}`);

  holder.kill('SIGKILL');
  await once(holder, 'exit');
  lockDataDir(dataDir);
  rmSync(dataDir, { recursive: true });
});
