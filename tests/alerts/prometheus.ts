import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { silentStep } from '#scripts/local/progress.ts';
import { type ServerSpec, startServer } from '#scripts/local/servers/server.ts';
import { findPrograms } from '#scripts/local/servers/servers.ts';

const INTERVAL = '1s';
const REQUEST_TIMEOUT_MS = 5_000;
const STOP_GRACE_MS = 10_000;

/** A part of the run, in seconds since 1970. */
export interface Span {
  readonly beginS: number;
  readonly endS: number;
}

/** A series of a query's result. Its values are texts, also NaN. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [atS: number, value: string])[];
}

/** A Prometheus server that scrapes a system every second and evaluates its rules every second. */
export interface Prometheus {
  /** Returns the result of a query at each step of a span. */
  queryRange(expr: string, span: Span, stepS?: number): Promise<Series[]>;
  /** Returns the names of the alerts that fire now. */
  firing(): Promise<ReadonlySet<string>>;
  stop(): Promise<void>;
}

/** @param targets the hosts and ports to scrape. @param rules the text of the rule file */
export async function startPrometheus(targets: readonly string[], rules: string): Promise<Prometheus> {
  const { dataDir } = inject('servers');
  const { port } = await freePorts(['port']);
  const spec = prometheus(port, join(dataDir, 'prometheus'), { targets, rules });
  const commandOf = await findPrograms(spec.programs, { database: 'mariadb', dataDir, step: silentStep });
  const server = await startServer(spec, { dataDir, commandOf });

  async function ask<Data>(path: string, parameters: Record<string, string> = {}): Promise<Data> {
    const address = `http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`;
    const answer = await fetch(address, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const { data, error } = (await answer.json()) as { data: Data; error?: string };
    if (error !== undefined) throw new Error(`${parameters.query}: ${error}`);
    return data;
  }

  return {
    async queryRange(query, { beginS, endS }, stepS = 1) {
      const range = { start: String(beginS), end: String(endS), step: String(stepS) };
      return (await ask<{ result: Series[] }>('query_range', { query, ...range })).result;
    },
    async firing() {
      const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      return new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname));
    },
    stop: () => server.stop(spec.stopGraceMs),
  };
}

function prometheus(
  port: number,
  folder: string,
  { targets, rules }: { targets: readonly string[]; rules: string },
): ServerSpec {
  const file = join(folder, 'prometheus.yml');
  const settings = {
    global: { scrape_interval: INTERVAL, scrape_timeout: INTERVAL, evaluation_interval: INTERVAL },
    rule_files: ['alerts.yml'],
    scrape_configs: [{ job_name: 'event-booking-system', static_configs: [{ targets }] }],
  };
  return {
    name: 'prometheus',
    title: 'Prometheus',
    programs: ['prometheus'],
    port,
    args: [
      ...['--config.file', file, '--storage.tsdb.path', join(folder, 'data')],
      ...['--web.listen-address', `127.0.0.1:${port}`, '--log.level', 'warn'],
    ],
    greeting: { send: 'GET /-/ready HTTP/1.0\r\n\r\n', expect: /^HTTP\/1\.\d 200/ },
    stopGraceMs: STOP_GRACE_MS,
    prepare() {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'alerts.yml'), rules);
      // YAML contains JSON.
      writeFileSync(file, JSON.stringify(settings, null, 2));
    },
  };
}
