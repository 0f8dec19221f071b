import type { Dashboard, Panel } from './dashboards.ts';
import type { Series, Span } from './prometheus.ts';

const SIZE = { column: 50, row: 32, gap: 8, head: 74, foot: 26 };
const COLORS = '#1f77b4 #e07b00 #2a9134 #c2272d #7d56b0 #7f5a4d #cf4f9e #5c5c5c #9a9a12 #0f9fb3'.split(' ');
const GRAY = '#667';
const TICKS = 4;
const MIB = 2 ** 20;
const LEGEND = { rowsMax: 3, letter: 5.7, row: 14 };

/** A series with the text of its legend. */
export interface Line {
  readonly name: string;
  readonly values: Series['values'];
}

/** A panel with its series. */
export interface FilledPanel {
  readonly panel: Panel;
  readonly lines: readonly Line[];
}

/** A marked part of the run. Its number is shown above each panel, and its text below the dashboard. */
export interface Mark extends Span {
  readonly text: string;
}

/** Draws a dashboard as an SVG image: each panel at its place in the grid, with its axes, lines and legend. */
export function drawDashboard(
  { title }: Dashboard,
  panels: readonly FilledPanel[],
  { span, marks }: { span: Span; marks: readonly Mark[] },
): string {
  const bottom = Math.max(...panels.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h)) * SIZE.row + SIZE.head;
  const rows = Math.ceil(marks.length / 2);
  const [width, height] = [24 * SIZE.column + SIZE.gap, bottom + SIZE.gap + rows * 18 + SIZE.foot];
  const notes = marks.map(({ text: words }, index) => {
    const [x, y] = [SIZE.gap * 2 + Math.floor(index / rows) * 12 * SIZE.column, bottom + 24 + (index % rows) * 18];
    return text(x, y, `${index + 1}  ${words}`, { size: 11.5, color: '#333' });
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Verdana, Arial, sans-serif">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="#f1f2f5"/>
${text(SIZE.gap * 2, 32, title, { size: 20, color: '#111', weight: 600 })}
${text(SIZE.gap * 2, 56, 'A mixed load on the whole system, and one fault after another (gray, numbered). Time in minutes.', { size: 12 })}
${panels.map((filled) => drawPanel(filled, span, marks)).join('\n')}
${notes.join('\n')}
</svg>
`;
}

function drawPanel({ panel, lines }: FilledPanel, span: Span, marks: readonly Mark[]): string {
  const { x, y, w, h } = panel.gridPos;
  const [left, top] = [x * SIZE.column + SIZE.gap, y * SIZE.row + SIZE.head];
  const frame = { left, top, width: w * SIZE.column - SIZE.gap, height: h * SIZE.row - SIZE.gap };
  const card = `<rect x="${frame.left}" y="${frame.top}" width="${frame.width}" height="${frame.height}" rx="4" fill="#fff" stroke="#d8dae0"/>`;
  const heading = text(frame.left + 12, frame.top + 20, panel.title, { size: 13, color: '#222', weight: 600 });
  const unit = panel.fieldConfig.defaults.unit ?? 'short';
  const body = panel.type === 'timeseries' ? plot(frame, lines, { unit, span, marks }) : figures(frame, lines, unit);
  return `<g>${card}${heading}${body}</g>`;
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Draws lines over time. The highest come first, because the legend may not have room for all. */
function plot(
  frame: Frame,
  unsorted: readonly Line[],
  { unit, span, marks }: { unit: string; span: Span; marks: readonly Mark[] },
): string {
  const lines = unsorted.toSorted((one, other) => highest(other) - highest(one));
  const legend = placeLegend(lines, frame.width - 24);
  const area = { left: frame.left + 66, right: frame.left + frame.width - 14, top: frame.top + 44 };
  const bottom = frame.top + frame.height - 30 - legend.rows * LEGEND.row;
  const scale = unit === 'bytes' ? MIB : 1;
  const most = Math.max(...lines.map(highest), 0);
  const step = scale * niceStep((most || 1) / scale / TICKS);
  const top = step * Math.max(1, Math.ceil(most / step));
  const atX = (atS: number) => area.left + ((atS - span.beginS) / (span.endS - span.beginS)) * (area.right - area.left);
  const atY = (value: number) => bottom - (value / top) * (bottom - area.top);

  let numberAt = 0;
  const bands = marks.map(({ beginS, endS }, index) => {
    const [from, to] = [atX(beginS), Math.max(atX(endS), atX(beginS) + 2)];
    numberAt = Math.max((from + to) / 2, numberAt + 12);
    const band = `<rect x="${px(from)}" y="${area.top}" width="${px(to - from)}" height="${px(bottom - area.top)}" fill="#e4e6ec"/>`;
    return band + text(numberAt, area.top - 4, String(index + 1), { size: 9.5, anchor: 'middle' });
  });
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step).map(
    (value) =>
      `<path d="M${area.left} ${px(atY(value))}H${area.right}" stroke="#e3e5ea"/>` +
      text(area.left - 8, atY(value) + 4, formatValue(value, unit), { size: 10.5, anchor: 'end' }),
  );
  const minutes = (span.endS - span.beginS) / 60;
  const everyMin = niceStep(minutes / 10);
  const times = Array.from({ length: Math.floor(minutes / everyMin) + 1 }, (_, index) => index * everyMin).map((at) =>
    text(atX(span.beginS + at * 60), bottom + 16, String(at), { size: 10.5, anchor: 'middle' }),
  );
  const curves = lines.map(({ values }, index) => {
    const points = values.flatMap(([atS, value]) =>
      Number.isFinite(Number(value)) ? [{ atS, x: px(atX(atS)), y: px(atY(Number(value))) }] : [],
    );
    return `<path d="${pathOf(points, minutes)}" fill="none" stroke="${colorOf(index)}" stroke-width="1.6" stroke-linejoin="round"/>`;
  });
  const names = legend.items.map(({ name, x, row }, index) => {
    const [left, base] = [frame.left + 14 + x, bottom + 36 + row * LEGEND.row];
    return `<rect x="${px(left)}" y="${base - 6}" width="12" height="4" fill="${colorOf(index)}"/>${text(left + 17, base, name, { size: 10.5, color: '#333' })}`;
  });
  return [...bands, ...levels, ...times, ...curves, ...names].join('');
}

/** Connects points, except over a gap of more than a hundredth of the run. Leaves out points on a level line. */
function pathOf(points: readonly { atS: number; x: string; y: string }[], runMinutes: number): string {
  const isNear = (one: { atS: number }, other: { atS: number } | undefined) =>
    other !== undefined && Math.abs(one.atS - other.atS) <= (runMinutes * 60) / 100;
  return points
    .map((point, index) => {
      const [before, after] = [points[index - 1], points[index + 1]];
      if (!isNear(point, before)) return `M${point.x} ${point.y}`;
      return isNear(point, after) && before?.y === point.y && after?.y === point.y ? '' : `L${point.x} ${point.y}`;
    })
    .join('');
}

/** Draws the last value of each series in large type. */
function figures(frame: Frame, lines: readonly Line[], unit: string): string {
  const width = frame.width / Math.max(lines.length, 1);
  return lines
    .map(({ name, values }, index) => {
      const [middle, height] = [frame.left + (index + 0.5) * width, frame.top + frame.height / 2 + 16];
      const value = text(middle, height, formatValue(Number(values.at(-1)?.[1]), unit), {
        size: 26,
        color: colorOf(index),
        anchor: 'middle',
        weight: 600,
      });
      return value + text(middle, height + 22, name, { size: 11, anchor: 'middle' });
    })
    .join('');
}

/** Places the names in rows, as many as there is room for. */
function placeLegend(lines: readonly Line[], width: number) {
  let [x, row] = [0, 0];
  const placed = lines.map(({ name }) => {
    const needed = 17 + name.length * LEGEND.letter + 14;
    if (x > 0 && x + needed > width) [x, row] = [0, row + 1];
    x += needed;
    return { name, x: x - needed, row };
  });
  return { items: placed.filter((item) => item.row < LEGEND.rowsMax), rows: Math.min(row + 1, LEGEND.rowsMax) };
}

/** Returns the lowest of 1, 2, 2.5 and 5 times a power of ten that is not below a value. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * 0.999) ?? 10);
}

function formatValue(value: number, unit: string): string {
  const short = (number: number) => String(Number(number.toPrecision(3)));
  if (unit === 'percentunit') return `${short(value * 100)} %`;
  if (unit === 'bytes') return `${short(value / MIB)} MiB`;
  if (unit === 's') return value !== 0 && value < 1 ? `${short(value * 1_000)} ms` : `${short(value)} s`;
  return `${value >= 1_000 ? `${short(value / 1_000)} k` : short(value)}${unit === 'reqps' ? ' /s' : ''}`;
}

const highest = ({ values }: Line) => Math.max(...values.map(([, value]) => Number(value)).filter(Number.isFinite));
const colorOf = (index: number) => COLORS[index % COLORS.length] ?? GRAY;
const px = (value: number) => String(Math.round(value * 10) / 10);
const escaped = (words: string) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

interface Style {
  readonly size: number;
  readonly color?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: number;
}

const text = (x: number, y: number, words: string, { size, color = GRAY, anchor = 'start', weight = 400 }: Style) =>
  `<text x="${px(x)}" y="${px(y)}" font-size="${size}" fill="${color}" text-anchor="${anchor}" font-weight="${weight}">${escaped(words)}</text>`;
