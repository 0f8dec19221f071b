import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '#scripts/local/settings.ts';

/** By this factor, all durations in the rules are shorter than in production. */
export const FACTOR = 30;
/** No duration gets shorter than four scrapes. */
const MIN_S = 4;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

const text = readFileSync(join(root, 'monitoring/alerts.yml'), 'utf8');

/** The rules with shorter windows ([5m]) and shorter times until an alert fires (`for: 5m`). */
export const SCALED_RULES = text.replace(
  /(?<=\[|for: )(\d+)([smhd])(?=\]|$)/gm,
  (_, count, unit) => `${Math.max(MIN_S, (Number(count) * (SECONDS[unit] ?? Number.NaN)) / FACTOR)}s`,
);

/** An alert, with the windows of its expression and its `for` as in production. */
export interface AlertRule {
  readonly name: string;
  readonly windows: readonly string[];
  readonly waits: string | undefined;
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { alert?: string; expr: string; for?: string }[] }[];
}

export const ALERT_RULES: readonly AlertRule[] = (parse(text) as RuleFile).groups
  .flatMap(({ rules }) => rules)
  .flatMap(({ alert: name, expr, for: waits }) => {
    // The names of recorded series end with their windows.
    const windows = [...expr.matchAll(/\[(\w+)\]|_rate(\d+\w)/g)].map(([, own, recorded]) => own ?? recorded ?? '');
    return name === undefined ? [] : [{ name, windows: [...new Set(windows)], waits }];
  });
