import { expect, inject, vi } from 'vitest';
import type { TestProxy } from '#platform/testing/proxy.ts';
import { recordedPids } from '#scripts/local/processes/processes.ts';
import type { ServiceName } from '#services';
import { isServed } from './history.ts';
import { DATABASES, type Scene, type Target } from './rig.ts';

const SOON = { timeout: 60_000, interval: 50 };

/** Something that goes wrong for a while. */
export interface Fault {
  readonly name: string;
  /** Overrides the duration of the test's other faults. */
  readonly lastsMs?: number;
  /** Processes end or start on purpose. */
  readonly restarts?: true;
  begin(scene: Scene): Promise<void> | void;
  /** Heals the system. */
  end(scene: Scene): Promise<void> | void;
}

type Part = Target | 'databases';

function onProxies(name: string, part: Part, change: (proxy: TestProxy) => void): Fault {
  const targets = part === 'databases' ? DATABASES : [part];
  return {
    name: `${part} ${name}`,
    begin({ proxies }) {
      for (const target of targets) change(proxies[target]);
    },
    end({ proxies }) {
      for (const target of targets) proxies[target].restore();
    },
  };
}

/** Connections are closed and refused. */
export const down = (part: Part): Fault => onProxies('down', part, (proxy) => proxy.cut());

/** No data passes in either direction. What was held back arrives after the fault. */
export const silent = (part: Part): Fault => onProxies('black-holed', part, (proxy) => proxy.hang());

/** Every request and its answer together take longer by this time. */
export const slow = (part: Part, ms: number): Fault => onProxies(`${ms} ms slow`, part, (proxy) => proxy.slow(ms / 2));

/** The existing connections are dead, but neither side is told. New ones work. */
export const halfOpen = (part: Part): Fault => onProxies('connections half-open', part, (proxy) => proxy.abandon());

/** The process of a server is stopped by SIGSTOP. It answers late to everything that it received meanwhile. */
export const frozen = (server: 'database' | 'Redis' | 'broker'): Fault => {
  const { dataDir, database } = inject('servers');
  const program = { database, Redis: 'redis', broker: 'nats' }[server];
  const signal = (name: NodeJS.Signals) => process.kill(recordedPids(dataDir)[program] ?? Number.NaN, name);
  return { name: `${server} stopped`, begin: () => void signal('SIGSTOP'), end: () => void signal('SIGCONT') };
};

/** The process of a service is killed, and started again at the end. */
export const killed = (service: ServiceName): Fault => ({
  name: `${service} killed`,
  restarts: true,
  begin: ({ system }) => system.kill(system.urls[service]),
  end: ({ system }) => system.restart(service),
});

/** The process of a service hangs. */
export const hung = (service: ServiceName): Fault => ({
  name: `${service} hung`,
  begin: ({ system }) => system.pause(system.urls[service]),
  end: ({ system }) => system.resume(system.urls[service]),
});

/** Services are replaced by new processes, one after another or all at once, as in a rolling upgrade. */
export const replaced = (...services: readonly ServiceName[]): Fault => ({
  name: `${services.join(', ')} replaced`,
  restarts: true,
  async begin({ system, proxies }) {
    const next = await Promise.all(services.map((name) => system.startReplica(name)));
    for (const [index, name] of services.entries()) {
      system.terminate(system.urls[name]);
      // As in Kubernetes, the address of the old process is removed only after it has become unready.
      await vi.waitFor(async () => expect((await fetch(`${system.urls[name]}/serving`)).status).toBe(503), SOON);
      proxies[name].setTarget(next[index] ?? '');
    }
    for (const name of services) {
      await vi.waitFor(() => expect(fetch(`${system.urls[name]}/health`)).rejects.toThrow('fetch failed'), SOON);
    }
  },
  end: () => undefined,
});

/**
 * The load grows to a multiple of the bookings that the system can sustain, which is measured first. The database is
 * slow meanwhile, so that it is the bottleneck, and not the clients of the test.
 */
export function overload(times: number, { databaseMs }: { databaseMs: number }) {
  let sustainedPerS = 0;
  let goodputPerS = 0;
  let beganAtMs = 0;
  let usualPerS = 0;
  return {
    name: `${times} times the sustainable load`,
    async begin({ load, history, proxies }: Scene) {
      proxies['booking database'].slow(databaseMs / 2);
      usualPerS = load.ratePerS();
      sustainedPerS = await load.saturate();
      beganAtMs = history.nowMs();
      load.setRate(times * sustainedPerS, 'book');
    },
    end({ load, history }: Scene) {
      load.setRate(usualPerS, 'book');
      const served = history.entries.filter((entry) => isServed(entry) && entry.leftMs + entry.tookMs > beganAtMs);
      goodputPerS = (1_000 * served.length) / (history.nowMs() - beganAtMs);
    },
    /** The most requests served per second before the overload, and the requests served per second during it. */
    rates: () => ({ sustainedPerS, goodputPerS }),
  };
}

/** Ends the slowness of the database after an overload. */
export const relief: Fault = {
  name: 'database fast again',
  lastsMs: 0,
  begin({ proxies, load }) {
    proxies['booking database'].restore();
    load.setRate(load.ratePerS());
  },
  end: () => undefined,
};
