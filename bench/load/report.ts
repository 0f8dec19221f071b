import { cpus } from 'node:os';
import type { Findings } from './checks.ts';
import { type Interval, OUTCOMES, PERCENTILES, type Summary } from './summary.ts';

/** The content of the JSON report. */
export interface LoadReport {
  readonly title: string;
  readonly startedAt: string;
  readonly url: string;
  readonly options: Readonly<Record<string, string | number>>;
  readonly summary: Summary;
  /** The numbers of retries by the codes of the errors. */
  readonly retries: Readonly<Record<string, number>>;
  readonly invariants: Findings & { readonly checkedIn: string };
  readonly missedThresholds: readonly string[];
}

/** The size of a chart, and the space for its labels. */
const CHART = { width: 720, height: 220, left: 56, bottom: 24, top: 8 };

const format = (value: number) =>
  Number.isFinite(value) ? value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 }) : '-';
const escaped = (text: unknown) => String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Returns a page with the numbers and charts of a load. It needs no other file. */
export function reportPage(report: LoadReport): string {
  const { title, startedAt, url, options, summary, retries, invariants, missedThresholds } = report;
  const wrong = [...invariants.problems, ...missedThresholds];
  const { intervals, intervalS, latencyMs } = summary;
  const perS = (value: (interval: Interval) => number) => intervals.map((interval) => value(interval) / intervalS);
  const seconds = intervals.map(({ fromS }) => `${format(fromS)} s`);
  const kinds = ['all', ...OUTCOMES].filter((kind) => kind in latencyMs) as (keyof typeof latencyMs)[];
  const percentilesOf = (kind: keyof typeof latencyMs) =>
    PERCENTILES.map((p) => latencyMs[kind]?.[`p${p}`] ?? Number.NaN);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<main>
<h1>${escaped(title)}</h1>
<p>${escaped(startedAt)} at ${escaped(url)}, on ${cpus().length} cores with Node ${process.versions.node}</p>
<p class="${wrong.length > 0 ? 'wrong' : 'right'}">${wrong.length > 0 ? wrong.map(escaped).join('<br>') : 'All thresholds and invariants hold.'}
${format(invariants.oversold)} seats oversold, checked in ${escaped(invariants.checkedIn)}.</p>
${table(
  ['', 'bookings', 'per second'],
  OUTCOMES.map((outcome) => [outcome, format(summary[outcome]), format(summary[outcome] / summary.durationS)]),
)}
<h2>Answers per second</h2>
${chart({ labels: seconds, series: OUTCOMES.map((name) => ({ name, values: perS((interval) => interval[name]) })) })}
<h2>Latency in ms, over time</h2>
<p>From the intended send time to the answer, with the client's retries. So the time that a booking waited to be sent is included.</p>
${chart({
  labels: seconds,
  series: [
    { name: 'p50', values: intervals.map(({ p50Ms }) => p50Ms) },
    { name: 'p99', values: intervals.map(({ p99Ms }) => p99Ms) },
  ],
})}
<h2>Latency in ms, by percentile</h2>
${chart({
  labels: PERCENTILES.map((percent) => `p${percent}`),
  series: kinds.map((name) => ({ name, values: percentilesOf(name) })),
})}
${table(
  ['', ...PERCENTILES.map((percent) => `p${percent}`)],
  kinds.map((kind) => [kind, ...percentilesOf(kind).map(format)]),
)}
<h2>Codes and options</h2>
${table(['code of a refusal or failure', 'bookings'], entries(summary.codes))}
${table(['code that was retried', 'retries'], entries(retries))}
${table(['option', ''], entries(options))}
</main>
</html>
`;
}

const entries = (record: Readonly<Record<string, string | number>>): string[][] =>
  Object.entries(record).map(([name, value]) => [name, typeof value === 'number' ? format(value) : value]);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>\n${[row(head, 'th'), ...rows.map((cells) => row(cells, 'td'))].join('\n')}\n</table>`;
}

interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

/** Returns a chart with one line for each series, as SVG with a legend. A missing value is a gap. */
function chart({ labels, series }: { labels: readonly string[]; series: readonly Series[] }): string {
  const { width, height, left, bottom, top } = CHART;
  const values = series.flatMap((one) => one.values.filter(Number.isFinite));
  const max = niceMax(Math.max(0, ...values));
  const x = (index: number) => left + ((width - left - 12) * index) / Math.max(1, labels.length - 1);
  const y = (value: number) => top + (height - top - bottom) * (1 - value / max);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(max * share).toFixed(1);
    return `<path class="grid" d="M${left} ${at}H${width}"/><text x="${left - 6}" y="${at}" class="y">${format(max * share)}</text>`;
  });
  const every = Math.ceil(labels.length / 8);
  const ticks = labels.map((label, index) =>
    index % every === 0 ? `<text x="${x(index).toFixed(1)}" y="${height - 6}" class="x">${escaped(label)}</text>` : '',
  );
  const lines = series.map(({ name, values: own }) => {
    const points = own.map((value, index) => (Number.isFinite(value) ? [x(index), y(value)] : undefined));
    const path = points.map((point, index) =>
      point ? `${points[index - 1] ? 'L' : 'M'}${point.map((part) => part.toFixed(1)).join(' ')}h0` : '',
    );
    return `<path class="line ${escaped(name)}" d="${path.join('')}"/>`;
  });
  const legend = series.map(({ name }) => `<span class="${escaped(name)}">${escaped(name)}</span>`).join(' ');
  return `<p class="legend">${legend}</p>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(series.map(({ name }) => name).join(', '))}">
${[...grid, ...ticks, ...lines].join('\n')}
</svg>`;
}

/** Returns the next of 1, 2, 4 and 10 times a power of ten that is not below the value. */
function niceMax(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return power * ([1, 2, 4, 10].find((factor) => factor * power >= value) ?? 10);
}

const STYLE = `
:root { color-scheme: light dark; --text: #1f2933; --page: #fff; --grid: #d8dee4; --confirmed: #1a7f4b; --refused: #9a6700; --failed: #cf222e; --all: #0969da; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117; --grid: #30363d; --confirmed: #3fb950; --refused: #d29922; --failed: #ff7b72; --all: #58a6ff; } }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 1rem; overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid var(--grid); font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; overflow: visible; }
text { fill: var(--text); font-size: 11px; }
text.x { text-anchor: middle; } text.y { text-anchor: end; dominant-baseline: middle; }
.grid { stroke: var(--grid); }
.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.legend span { margin-right: 1rem; font-weight: 600; white-space: nowrap; }
.legend span::before { content: "\\25AC  "; }
.confirmed, .right { color: var(--confirmed); } .refused { color: var(--refused); } .failed, .wrong { color: var(--failed); }
.all, .p50 { color: var(--all); } .p99 { color: var(--failed); }
`;
