import { cpus } from 'node:os';
import { ratioOver, type Sample, summarize } from './rounds.ts';

/** The samples of one variant under one load. */
export interface Row {
  readonly load: string;
  readonly label: string;
  readonly samples: readonly Sample[];
}

/** The label of Express begins with this. Express is the first variant under every load. */
const BASE = '(a)';
/** The process that sends the requests. */
export const LOAD = 'load';

export const number = (value: number) => Math.round(value).toLocaleString('en-US');
export const time = (valueMs: number) => (Number.isNaN(valueMs) ? '-' : `${valueMs.toFixed(1)} ms`);
export const times = (ratio: number) => (Number.isFinite(ratio) ? `${ratio.toFixed(ratio < 10 ? 1 : 0)}` : '-');
/** Formats a processor time in ms. Returns "-" for times below the precision of the clock. */
export const cpu = (valueMs: number) => (valueMs >= 0.000_5 ? valueMs.toFixed(3) : '-');

export const machine = () =>
  `${cpus().length} cores, Node ${process.versions.node}; servers, services and load on one machine`;

/** Returns a Markdown table. All columns except the first are numbers. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, ['---', ...head.slice(1).map(() => '---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Returns two Markdown tables for each load: throughput with ratios to Express, and processor time by process. */
export function report(title: string, introduction: string, rows: readonly Row[]): string {
  const loads = [...new Set(rows.map(({ load }) => load))];
  const sections = loads.map((load) => {
    const own = rows.filter((row) => row.load === load);
    return [`## ${load}`, speedTable(own), ...cpuTable(own)].join('\n\n');
  });
  return [`# ${title}`, `${machine()}. ${introduction}`, ...sections].join('\n\n').concat('\n');
}

function speedTable(rows: readonly Row[]): string {
  const base = rows.find(({ label }) => label.startsWith(BASE))?.samples ?? [];
  return table(
    ['', 'per second', 'over Express', 'p50', 'p99', 'refused', 'failed'],
    rows.map(({ label, samples }) => {
      const { throughput, p50Ms, p99Ms, refused, failed } = summarize(samples);
      const ratio = times(ratioOver(base, samples));
      return [label, number(throughput), ratio, time(p50Ms), time(p99Ms), number(refused), number(failed)];
    }),
  );
}

/** Returns an empty list when the processor time is unknown. */
function cpuTable(rows: readonly Row[]): string[] {
  const summaries = rows.map(({ label, samples }) => ({ label, ...summarize(samples) }));
  const names = Object.keys(summaries[0]?.cpuMs ?? {});
  if (names.length === 0) return [];
  const lines = summaries.map(({ label, cpuMs }) => {
    const servers = names.filter((name) => name !== LOAD).reduce((sum, name) => sum + (cpuMs[name] ?? 0), 0);
    return [label, cpu(servers), ...names.map((name) => cpu(cpuMs[name] ?? 0))];
  });
  return [table(['CPU per operation, ms', `all but ${LOAD}`, ...names], lines)];
}
