import { spawn, spawnSync } from 'node:child_process';
import { closeSync, globSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalError, root } from '../settings.ts';

const POLL_MS = 25;
const STOP_GRACE_MS = 15_000;
const KILL_WAIT_MS = 5_000;

/** A command to run. Its log is logs/<name>.log and its pid file is run/<name>.pid, both under dataDir. */
export interface Command {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  dataDir: string;
}

export type LocalProcess = ReturnType<typeof startProcess>;

/**
 * Starts a process in its own session, so that a Ctrl-C in the terminal does not reach it. Writes a pid file, so that a
 * later run finds the process if this run crashes.
 */
export function startProcess({ name, command, args, env = process.env, dataDir }: Command) {
  const logFile = join(dataDir, 'logs', `${name}.log`);
  const pidFile = join(dataDir, 'run', `${name}.pid`);
  for (const folder of ['logs', 'run']) mkdirSync(join(dataDir, folder), { recursive: true });
  const log = openLog(logFile);
  const child = spawn(command, args, { cwd: root, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  if (identity !== undefined) writeFileSync(pidFile, identity);

  let ended: string | undefined;
  const whenEnded = new Promise<string>((resolve) => {
    const end = (reason: string) => {
      ended = reason;
      rmSync(pidFile, { force: true });
      resolve(reason);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `ended by ${signal}`));
  });
  return {
    name,
    logFile,
    /** The reason why the process ended; undefined while it runs. */
    get ended() {
      return ended;
    },
    /** Resolves with the reason when the process ends. */
    whenEnded,
    /** Sends SIGTERM, and SIGKILL if the process still runs after graceMs. */
    async stop(graceMs: number): Promise<void> {
      if (ended !== undefined || identity === undefined) return;
      await terminate(identity, graceMs);
      await whenEnded;
    },
  };
}

/** Runs a command to its end. @throws LocalError with the last lines of its log when it fails or takes too long */
export async function runToEnd(command: Command, timeoutMs: number): Promise<void> {
  const running = startProcess(command);
  const timer = setTimeout(() => running.stop(STOP_GRACE_MS), timeoutMs);
  const reason = await running.whenEnded;
  clearTimeout(timer);
  if (reason === 'exit code 0') return;
  throw new LocalError(
    `${command.name} failed (${reason}). The last lines of its log ${running.logFile}:\n${tailOf(running.logFile)}`,
  );
}

/** The last lines of a log file. */
export const tailOf = (logFile: string): string =>
  readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n');

/** Stops every running process that the pid files of dataDir name. Returns the names of these processes. */
export async function stopRecorded(dataDir: string): Promise<string[]> {
  const recorded = readRecorded(dataDir);
  await Promise.all(recorded.map(({ identity }) => terminate(identity, STOP_GRACE_MS)));
  for (const { pidFile } of recorded) rmSync(pidFile, { force: true });
  return recorded.filter(({ alive }) => alive).map(({ name }) => name);
}

/** Kills every process that the pid files of dataDir name, without waiting for its end. For a forced exit. */
export function killRecorded(dataDir: string): void {
  for (const { identity, alive } of readRecorded(dataDir)) if (alive) signal(identity, 'SIGKILL');
}

/** The pids of the running processes that the pid files of dataDir name, by the names of the processes. */
export const recordedPids = (dataDir: string): Record<string, number> =>
  Object.fromEntries(
    readRecorded(dataDir).flatMap(({ name, identity, alive }) => (alive ? [[name, pidOf(identity)]] : [])),
  );

/**
 * Identifies a process by its pid and its start time, as text. The system can reuse a pid, so the pid is not enough.
 * Undefined when there is no such process or it is a zombie.
 */
export function identityOf(pid: number): string | undefined {
  const startedAt = process.platform === 'linux' ? startTicksOf(pid) : startTimeOf(pid);
  return startedAt ? `${pid} ${startedAt}` : undefined;
}

function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = 'Z', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(state) ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

const startTimeOf = (pid: number) =>
  spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: 5_000 }).stdout.trim();

function readRecorded(dataDir: string) {
  return globSync('*.pid', { cwd: join(dataDir, 'run') }).map((file) => {
    const pidFile = join(dataDir, 'run', file);
    const identity = readFileSync(pidFile, 'utf8');
    return { name: basename(file, '.pid'), pidFile, identity, alive: isAlive(identity) };
  });
}

const pidOf = (identity: string) => Number.parseInt(identity, 10);

/** True while the process with this identity (see identityOf) runs. */
export const isAlive = (identity: string): boolean => identityOf(pidOf(identity)) === identity;

async function terminate(identity: string, graceMs: number): Promise<void> {
  for (const [name, waitMs] of [['SIGTERM', graceMs] as const, ['SIGKILL', KILL_WAIT_MS] as const]) {
    if (isAlive(identity)) signal(identity, name);
    for (const endMs = Date.now() + waitMs; isAlive(identity) && Date.now() < endMs; ) await delay(POLL_MS);
  }
  if (isAlive(identity)) throw new LocalError(`Process ${pidOf(identity)} still runs after SIGKILL.`);
}

function signal(identity: string, name: NodeJS.Signals): void {
  try {
    process.kill(pidOf(identity), name);
  } catch (error) {
    // The process ended after isAlive had returned true.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Opens a new log file. The log of the previous run is kept as <name>.previous.log. */
function openLog(logFile: string): number {
  try {
    renameSync(logFile, logFile.replace(/\.log$/, '.previous.log'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return openSync(logFile, 'a', 0o600);
}
