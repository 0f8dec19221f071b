import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityOf, isAlive, runToEnd, startProcess, stopRecorded } from './processes.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'ebs-processes-'));
});
afterEach(async () => {
  await stopRecorded(dataDir);
  rmSync(dataDir, { recursive: true });
});

const shell = (name: string, script: string) => startProcess({ name, command: 'sh', args: ['-c', script], dataDir });
const pidFile = (name: string) => join(dataDir, 'run', `${name}.pid`);
const recorded = (name: string) => readFileSync(pidFile(name), 'utf8');

test('a process logs to its file and reports why it ended', async () => {
  const process = shell('speaker', 'echo hello; exit 3');
  expect(await process.whenEnded).toBe('exit code 3');
  expect(readFileSync(process.logFile, 'utf8')).toBe('hello\n');
});

test('a process that ignores SIGTERM is killed after its grace period', async () => {
  const stubborn = shell('stubborn', 'trap "" TERM; echo ready; while :; do sleep 0.05; done');
  await expect.poll(() => readFileSync(stubborn.logFile, 'utf8')).toBe('ready\n');
  await stubborn.stop(200);
  expect(stubborn.ended).toBe('ended by SIGKILL');
});

test('the processes of a crashed run are stopped by the next run', async () => {
  const orphan = shell('orphan', 'sleep 60');
  expect(await stopRecorded(dataDir)).toEqual(['orphan']);
  expect(await orphan.whenEnded).toBe('ended by SIGTERM');
});

test('a pid file whose pid now belongs to another process stops no process', async () => {
  const bystander = shell('bystander', 'sleep 60');
  const identity = recorded('bystander');
  mkdirSync(join(dataDir, 'run'), { recursive: true });
  writeFileSync(pidFile('bystander'), `${identity.split(' ')[0]} 1`);
  expect(await stopRecorded(dataDir)).toEqual([]);
  expect(isAlive(identity)).toBe(true);
  // Control: the process is stopped when the pid file has its identity.
  writeFileSync(pidFile('bystander'), identity);
  expect(await stopRecorded(dataDir)).toEqual(['bystander']);
  await bystander.whenEnded;
});

test('a process that has ended is not alive', async () => {
  const brief = shell('brief', 'sleep 0.1');
  const identity = recorded('brief');
  expect(isAlive(identity)).toBe(true);
  await brief.whenEnded;
  expect(isAlive(identity)).toBe(false);
  expect(identityOf(process.pid)).toMatch(/^\d+ \d+$/);
});

test('the error of a failed command contains the end of its log', async () => {
  const failing = { name: 'failing', command: 'sh', args: ['-c', 'echo no disk; exit 1'], dataDir };
  await expect(runToEnd(failing, 5_000)).rejects.toThrow(/failing failed \(exit code 1\).*no disk/s);
});
