import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '#services';
import { type LocalProcess, startProcess, tailOf } from '../processes/processes.ts';
import { LocalError, root } from '../settings.ts';
import { type ServiceSettings, serviceEnvironment } from './service-environment.ts';

const READY_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 3_000;
const POLL_MS = 100;
/** Services limit the time of their stop. After this time, a service that still runs is killed. */
const STOP_GRACE_MS = 15_000;

export type Services = ReturnType<typeof createServices>;

/** Creates the services of one system. Each is a process with a log; `prefix` begins the names of logs and pid files. */
export function createServices(settings: ServiceSettings & { dataDir: string; prefix?: string }) {
  const running = new Map<ServiceName, LocalProcess>();
  const failure = Promise.withResolvers<never>();
  // Without this line, a failure would be an unhandled rejection if no caller waits for `failed`.
  failure.promise.catch(() => undefined);
  let stopping = false;

  function start(name: ServiceName): void {
    const service = startProcess({
      name: `${settings.prefix ?? ''}${name}`,
      command: process.execPath,
      args: [join(root, name === 'gateway' ? name : `subgraphs/${name}`, 'main.ts')],
      env: {
        ...serviceEnvironment(name, settings),
        // Later starts take the compiled code from here, which saves a quarter of their processor time.
        NODE_COMPILE_CACHE: join(settings.dataDir, 'compile-cache'),
      },
      dataDir: settings.dataDir,
    });
    running.set(name, service);
    service.whenEnded.then((reason) => {
      if (!stopping) failure.reject(new LocalError(`The ${name} service stopped (${reason}).${endOfLog(service)}`));
    });
  }

  return {
    start: (...names: ServiceName[]) => names.forEach(start),
    /** Rejects as soon as a service ends by itself. Never resolves. */
    failed: failure.promise,
    /** Waits until all started services are ready. @throws LocalError with the reason why a service is not ready */
    async waitUntilReady(signal?: AbortSignal) {
      const ready = [...running].map(([name, service]) => waitForService(name, service, settings.ports[name], signal));
      await Promise.race([Promise.all(ready), failure.promise]);
    },
    /** Stops the gateway, then the subgraphs together. */
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

/** Returns the reason why the service on a port is not ready, or undefined if it is ready. */
async function obstacleOf(port: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    const report = await answer.text();
    return answer.ok ? undefined : `it answers ${report}`;
  } catch {
    return 'it does not answer on its port';
  }
}

const endOfLog = ({ logFile }: LocalProcess) => ` Its log, ${logFile}, ends:\n${tailOf(logFile)}`;
