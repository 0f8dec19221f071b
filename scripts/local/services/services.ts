import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '#services';
import { type LocalProcess, startProcess, tailOf } from '../processes/processes.ts';
import { LocalError, root } from '../settings.ts';
import { type ServiceSettings, serviceEnvironment } from './service-environment.ts';

const READY_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 3_000;
const POLL_MS = 100;
/** A service bounds its own stop; this is for one that does not keep to it. */
const STOP_GRACE_MS = 15_000;

export interface Services {
  start(...names: ServiceName[]): void;
  /** Resolves once every service started so far is ready. @throws LocalError telling what keeps one from it. */
  waitUntilReady(signal?: AbortSignal): Promise<void>;
  /** Rejects as soon as one ends by itself; never resolves. */
  readonly failed: Promise<never>;
  /** Stops the gateway, then the subgraphs together. */
  stop(): Promise<void>;
}

/**
 * The services of one system, each as a process of its own that logs to a file of its own.
 * @param prefix goes before the names of logs and pid files, where several systems share a data folder.
 */
export function createServices(settings: ServiceSettings & { dataDir: string; prefix?: string }): Services {
  const running = new Map<ServiceName, LocalProcess>();
  const failure = Promise.withResolvers<never>();
  // Whoever waits for it hears of it; nobody has to.
  failure.promise.catch(() => undefined);
  let stopping = false;

  function start(name: ServiceName): void {
    const service = startProcess({
      name: `${settings.prefix ?? ''}${name}`,
      command: process.execPath,
      args: [join(root, name === 'gateway' ? name : `subgraphs/${name}`, 'main.ts')],
      env: serviceEnvironment(name, settings),
      dataDir: settings.dataDir,
    });
    running.set(name, service);
    service.whenEnded.then((reason) => {
      if (!stopping) failure.reject(new LocalError(`The ${name} service stopped (${reason}).${endOfLog(service)}`));
    });
  }

  return {
    start: (...names) => names.forEach(start),
    failed: failure.promise,
    async waitUntilReady(signal) {
      const ready = [...running].map(([name, service]) => waitForService(name, service, settings.ports[name], signal));
      await Promise.race([Promise.all(ready), failure.promise]);
    },
    async stop() {
      stopping = true;
      await running.get('gateway')?.stop(STOP_GRACE_MS);
      await Promise.all([...running.values()].map((service) => service.stop(STOP_GRACE_MS)));
    },
  };
}

async function waitForService(name: string, service: LocalProcess, port: number, signal?: AbortSignal): Promise<void> {
  const giveUpAtMs = Date.now() + READY_TIMEOUT_MS;
  let obstacle: string | undefined;
  while (service.ended === undefined && Date.now() < giveUpAtMs) {
    signal?.throwIfAborted();
    obstacle = await obstacleOf(port);
    if (obstacle === undefined) return;
    await delay(POLL_MS);
  }
  throw new LocalError(
    `The ${name} service was not ready within ${READY_TIMEOUT_MS / 1_000} s: ${obstacle}.${endOfLog(service)}`,
  );
}

/** What keeps the service on a port from being ready, in its own words; undefined when nothing does. */
async function obstacleOf(port: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    const report = await answer.text();
    return answer.ok ? undefined : `it says ${report}`;
  } catch {
    return 'it does not answer on its port';
  }
}

const endOfLog = ({ logFile }: LocalProcess) => ` Its log, ${logFile}, ends:\n${tailOf(logFile)}`;
