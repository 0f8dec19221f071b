import { Gauge, type Registry } from 'prom-client';
import type { Logger } from './logger.ts';

/** From this part of a bound on it is warned of. */
const WARNING_RATIO = 0.8;
/** A bound is not warned of any more below this part, lest a value that wavers warns again and again. */
const CALM_RATIO = 0.75;

/** Warns before something that is bounded is full. */
export interface Bounds {
  /** Takes note of how much of a bound is used. */
  observe(bound: string, used: number, max: number): void;
  /** What is nearly full or full; undefined when nothing is. */
  warning(): string | undefined;
}

/** Logs once for each crossing, and measures `bound_used_ratio`. */
export function createBounds({ logger, metrics }: { logger: Logger; metrics: Registry }): Bounds {
  const name = 'bound_used_ratio';
  const existing = metrics.getSingleMetric(name) as Gauge<'bound'> | undefined;
  const ratios =
    existing ??
    new Gauge({
      name,
      help: 'How much of a bound is used: 1 is full. See docs/operations/capacity.md.',
      labelNames: ['bound'] as const,
      registers: [metrics],
    });
  const near = new Map<string, number>();

  return {
    observe(bound, used, max) {
      const ratio = used / max;
      ratios.set({ bound }, ratio);
      if (ratio >= WARNING_RATIO && !near.has(bound)) {
        logger.warn({ bound, used, max }, 'a bound is nearly reached');
      }
      if (ratio < CALM_RATIO && near.delete(bound)) logger.info({ bound, used, max }, 'a bound is far again');
      else if (ratio >= WARNING_RATIO || near.has(bound)) near.set(bound, ratio);
    },
    warning() {
      const full = [...near].map(([bound, ratio]) => `${bound}: ${Math.floor(ratio * 100)} %`);
      return full.length === 0 ? undefined : full.join(', ');
    },
  };
}
