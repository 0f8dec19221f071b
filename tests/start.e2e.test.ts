import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { killRecorded } from '#scripts/local/processes/processes.ts';
import { portVariable, readSettings, root } from '#scripts/local/settings.ts';
import { SERVICES } from '#services';

const WAIT = { timeout: 45_000, interval: 100 };
const PANEL = 'Ctrl-C\n';

let dataDir: string;
let env: NodeJS.ProcessEnv;
let graphqlUrl: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'ebs-start-'));
  const names = Object.keys(readSettings({}).ports) as (keyof ReturnType<typeof readSettings>['ports'])[];
  const ports = await freePorts(names);
  env = { ...process.env, NODE_ENV: '', DATA_DIR: dataDir };
  for (const name of names) env[portVariable(name)] = String(ports[name]);
  graphqlUrl = `http://127.0.0.1:${ports.gateway}/graphql`;
});
afterEach(() => killRecorded(dataDir));
afterAll(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }));

/** Runs an npm script in its own process group, as a shell does. */
function npm(script: string, changes: NodeJS.ProcessEnv = {}, options: readonly string[] = []) {
  const args = script === 'start' ? ['--database', inject('servers').database] : options;
  const child: ChildProcess = spawn('npm', ['run', script, '--', ...args], {
    cwd: root,
    env: { ...env, ...changes },
    detached: true,
  });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  return { child, output: () => output, ended: once(child, 'exit') };
}

async function startSystem() {
  const started = npm('start');
  await expect.poll(started.output, WAIT).toContain(PANEL);
  return started;
}

const orchestratorPid = () => Number(readFileSync(join(dataDir, 'run', 'lock.pid.txt'), 'utf8'));

/** Returns every process that has this test's data folder in its environment. */
const processesOfTheSystem = () =>
  globSync('/proc/[0-9]*/environ').filter((file) => {
    try {
      return file !== `/proc/${process.pid}/environ` && readFileSync(file, 'utf8').includes(`DATA_DIR=${dataDir}\0`);
    } catch {
      return false;
    }
  });

async function signIn(): Promise<unknown> {
  const query = `mutation { signIn(input: { email: "demo@example.com", password: "demo-password-123" }) { __typename } }`;
  const answer = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return answer.json();
}

test('npm start starts the whole system, only once per data folder, and Ctrl-C stops all of it', async () => {
  const { child, ended, output } = await startSystem();
  expect(output()).toMatch(/Box office {2}(\S+)\n.*\n?.*GraphQL/);
  const page = await fetch(new URL('/', graphqlUrl), { headers: { accept: 'text/html' } });
  expect(await page.text()).toContain('<title>Box Office</title>');
  expect(await signIn()).toEqual({ data: { signIn: { __typename: 'Session' } } });

  const [second, reset] = [npm('start'), npm('reset')];
  expect(await second.ended).toEqual([1, null]);
  expect(second.output()).toContain(`in use by another npm start, pid ${orchestratorPid()}`);
  expect(await reset.ended).toEqual([1, null]);

  process.kill(-(child.pid ?? 0), 'SIGINT');
  await ended;
  await expect.poll(processesOfTheSystem, WAIT).toEqual([]);
});

test('npm start shows the warnings of all services, npm run logs follows one, and finds the lines of a request', async () => {
  const { output } = await startSystem();
  const write = (service: string, level: string, msg: string) => {
    const line = JSON.stringify({ level, time: new Date().toISOString(), service, requestId: 'r-1', msg });
    appendFileSync(join(dataDir, 'logs', `${service}.log`), `${line}\n`);
  };
  const follower = npm('logs', {}, ['booking']);
  await expect.poll(follower.output, WAIT).toContain('booking ');
  write('event', 'warn', 'a warning of a test');
  write('booking', 'info', 'some news of a test');
  await expect.poll(output, WAIT).toMatch(/event .* WARN.*: a warning of a test/);
  await expect.poll(follower.output, WAIT).toMatch(/booking .* INFO.*: some news of a test/);
  expect(output()).not.toContain('some news of a test');
  expect(follower.output()).not.toContain('a warning of a test');
  process.kill(-(follower.child.pid ?? 0), 'SIGINT');
  await follower.ended;

  const found = npm('logs', {}, ['--find', 'r-1']);
  await found.ended;
  expect(found.output()).toMatch(/event .* a warning of a test.*\nbooking .* some news of a test/);
});

test('after a crash, npm start stops the leftover processes and keeps the data, and SIGTERM to npm stops the system', async () => {
  const crashed = await startSystem();
  process.kill(orchestratorPid(), 'SIGKILL');
  await crashed.ended;
  expect(processesOfTheSystem()).not.toEqual([]);

  const { child, output } = await startSystem();
  const { database } = inject('servers');
  expect(output()).toContain(`Stopped the processes of an earlier run: booking, event, gateway, ${database}`);
  expect(output()).toContain('Demo data: already there');

  child.kill('SIGTERM');
  await expect.poll(processesOfTheSystem, WAIT).toEqual([]);
});

test('when a service dies, npm start says which one and stops the others', async () => {
  const { output, ended } = await startSystem();
  process.kill(Number.parseInt(readFileSync(join(dataDir, 'run', 'event.pid'), 'utf8'), 10), 'SIGKILL');
  expect(await ended).toEqual([1, null]);
  expect(output()).toMatch(/The event service stopped \(ended by SIGKILL\)/);
  expect(processesOfTheSystem()).toEqual([]);
});

test('npm start refuses development settings in production: it lists the problems of every service before it starts any', async () => {
  const { output, ended } = npm('start', { NODE_ENV: 'production', LIMITS: 'off' });
  expect(await ended).toEqual([1, null]);
  for (const name of SERVICES) {
    expect(output()).toContain(`${name}: Configuration refused`);
  }
  expect(output()).toContain('LIMITS: must not be off in production');
  expect(output()).toContain('JWT_PRIVATE_KEY: holds a development secret');
  expect(output()).not.toContain('Migrations');
  expect(processesOfTheSystem()).toEqual([]);
});
