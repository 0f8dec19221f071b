import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from '#scripts/local/settings.ts';

/** What Grafana puts in place of its variables for a scrape interval of 15 s. */
const VARIABLES: Readonly<Record<string, string>> = { $__rate_interval: '1m', $__interval: '15s', $__range: '1h' };

export interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
}

export interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly targets: readonly Target[];
}

export interface Dashboard {
  /** The name of its file. */
  readonly name: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

export const DASHBOARDS: readonly Dashboard[] = globSync(join(root, 'monitoring/dashboards/*.json'))
  .toSorted()
  .map((file) => {
    const { title, panels } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
    return { name: basename(file, '.json'), title, panels };
  });

/** Returns the query of a target without variables. */
export const queryOf = ({ expr }: Target): string =>
  expr.replace(/\$__\w+/g, (variable) => VARIABLES[variable] ?? variable);
