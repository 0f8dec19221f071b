import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { DASHBOARDS, queryOf, type Target } from './dashboards.ts';
import { drawDashboard, type FilledPanel, type Line, type Mark } from './drawing.ts';
import type { Prometheus, Series, Span } from './prometheus.ts';
import { ALERT_RULES, FACTOR } from './rules.ts';

const PICTURES = 'docs/dashboards';
const TABLE = 'docs/benchmarks/alerts.md';
/** The pictures are about 500 points wide for each panel. */
const POINTS = 250;

/** What was seen of an alert. A missing time means that it did not happen in time. */
export interface Sighting {
  readonly alert: string;
  readonly fault: string;
  readonly firedAfterS: number | undefined;
  readonly resolvedAfterS: number | undefined;
}

/** Draws every dashboard from its own queries. */
export async function writePictures(prometheus: Prometheus, span: Span, marks: readonly Mark[]): Promise<void> {
  mkdirSync(join(root, PICTURES), { recursive: true });
  const stepS = Math.max(1, Math.round((span.endS - span.beginS) / POINTS));
  const fill = async (target: Target): Promise<Line[]> => {
    const series = await prometheus.queryRange(queryOf(target), span, stepS);
    return series.map(({ metric, values }) => ({ name: nameOf(target, metric), values }));
  };
  for (const dashboard of DASHBOARDS) {
    const panels: FilledPanel[] = [];
    for (const panel of dashboard.panels)
      panels.push({ panel, lines: (await Promise.all(panel.targets.map(fill))).flat() });
    writeFileSync(join(root, PICTURES, `${dashboard.name}.svg`), drawDashboard(dashboard, panels, { span, marks }));
  }
}

/** Returns the text of a legend, with the values of the labels. */
const nameOf = ({ legendFormat }: Target, metric: Series['metric']): string =>
  (legendFormat ?? JSON.stringify(metric)).replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? '');

/** Writes the page with the times of all alerts. */
export async function writeTable(sightings: readonly Sighting[]): Promise<void> {
  const seconds = (value: number | undefined) => (value === undefined ? 'never' : `${value.toFixed(0)} s`);
  const rows = ALERT_RULES.map(({ name, windows, waits }) => {
    const seen = sightings.find(({ alert }) => alert === name);
    const cells = [`\`${name}\``, seen?.fault ?? '', windows.join(', ') || '-', waits ?? '-'];
    return `| ${[...cells, seconds(seen?.firedAfterS), seconds(seen?.resolvedAfterS)].join(' | ')} |`;
  });
  const page = `# Alerts: the time from a fault to its alert

Made by \`npm run test:alerts\`. The command starts the whole system, a mixed load and a Prometheus server that scrapes
every second. It makes each fault on the running system, waits until the alert fires, ends the fault, and waits until the
alert is resolved. Before the first fault, no alert may fire.

In this run, every window and every \`for\` of [alerts.yml](../../monitoring/alerts.yml) is ${FACTOR} times shorter than in
production, but not below 4 s. So the parts of the times that come from them are ${FACTOR} times longer in production. The
other parts are the same: \`OutboxIsLate\` waits for a message that is 60 s old, and the services look at their outboxes,
streams and consumers every 10 s.

| alert | fault | windows | for | fires after | resolved after |
| :--- | :--- | :--- | :--- | ---: | ---: |
${rows.join('\n')}
`;
  writeFileSync(join(root, TABLE), page);
  await runTool('biome', ['format', '--write', TABLE]);
}
