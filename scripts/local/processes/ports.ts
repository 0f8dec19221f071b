import { globSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { eachOf } from '#services';
import { LocalError } from '../settings.ts';

/** Below the range that the system uses for outgoing connections, so that none of them takes such a port. */
const FREE_PORTS = { min: 20_000, max: 32_000 };

/**
 * Checks that all ports are free and different.
 * @param ports the ports by the names of the variables that set them
 * @throws LocalError that names every taken port, its owner, and the variable that sets another port
 */
export async function refuseTakenPorts(ports: Readonly<Record<string, number>>): Promise<void> {
  const problems: [variable: string, problem: string][] = [];
  for (const [variable, port] of Object.entries(ports)) {
    const twin = Object.keys(ports).find((other) => other !== variable && ports[other] === port);
    if (twin !== undefined) problems.push([variable, `Port ${port} is also set by ${twin}.`]);
    else if (!(await isFree(port))) problems.push([variable, `Port ${port} is taken by ${ownerOf(port)}.`]);
  }
  const [first] = problems;
  if (first === undefined) return;
  const lines = problems.map(([variable, problem]) => `${problem} Choose another with ${variable}.`);
  throw new LocalError(`${lines.join('\n')}\nFor example: ${first[0]}=${await freePort()} npm start`);
}

/** Returns a free port of 127.0.0.1 for each name. All ports differ. */
export async function freePorts<Name extends string>(names: readonly Name[]): Promise<Record<Name, number>> {
  const ports = new Set<number>();
  while (ports.size < names.length) ports.add(await freePort());
  const chosen = [...ports];
  return eachOf(names, (name) => chosen[names.indexOf(name)] ?? 0);
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = FREE_PORTS.min + Math.floor(Math.random() * (FREE_PORTS.max - FREE_PORTS.min));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Describes the process that listens on a port. Linux only: finds the socket's inode, then its file descriptor. */
function ownerOf(port: number): string {
  const listening = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => read(file).split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, , state]) => state === '0A' && Number.parseInt(local?.split(':')[1] ?? '', 16) === port);
  const inode = listening?.[9];
  if (inode === undefined) return 'another process';
  const descriptor = globSync('/proc/[0-9]*/fd/*').find((file) => read(file, readlinkSync) === `socket:[${inode}]`);
  const pid = descriptor?.split('/')[2];
  return pid === undefined ? "another user's process" : `pid ${pid} (${commandOf(pid)})`;
}

const commandOf = (pid: string) => read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim().slice(0, 80);

/** Reads a file of /proc, or nothing when its process has ended or belongs to another user. */
function read(file: string, readText = (path: string) => readFileSync(path, 'utf8')): string {
  try {
    return readText(file);
  } catch {
    return '';
  }
}
