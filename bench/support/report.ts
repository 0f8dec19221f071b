import { cpus } from 'node:os';
import type { Measurement } from './load.ts';

/** One variant's measurement under one load. */
export interface Row {
  readonly load: string;
  readonly label: string;
  readonly measurement: Measurement;
}

const number = (value: number) => Math.round(value).toLocaleString('en-US');
const time = (valueMs: number) => (Number.isNaN(valueMs) ? '-' : `${valueMs.toFixed(1)} ms`);
const times = (ratio: number) => (Number.isFinite(ratio) ? `${ratio.toFixed(ratio < 10 ? 1 : 0)}` : '-');

/** Creates one Markdown table for each load. The ratios compare each row with the first row of its table. */
export function report(title: string, rows: readonly Row[]): string {
  const loads = [...new Set(rows.map(({ load }) => load))];
  const tables = loads.map((load) => {
    const own = rows.filter((row) => row.load === load);
    const base = own[0]?.measurement.throughput ?? Number.NaN;
    const lines = own.map(({ label, measurement: { throughput, p50Ms, p99Ms, refused, failed } }) =>
      [
        label,
        number(throughput),
        times(throughput / base),
        time(p50Ms),
        time(p99Ms),
        number(refused),
        number(failed),
      ].join(' | '),
    );
    return [
      `### ${load}`,
      '',
      '| | confirmed per second | times (a) | p50 | p99 | refused | failed |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
      ...lines.map((line) => `| ${line} |`),
    ].join('\n');
  });
  const machine = `${cpus().length} cores, Node ${process.versions.node}; servers, services and load on one machine`;
  return `# ${title}\n\n${machine}. All rows come from one run, so compare the ratios.\n\n${tables.join('\n\n')}\n`;
}
