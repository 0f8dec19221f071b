import { Gauge, type Registry } from 'prom-client';
import type { Logger } from './logger.ts';
import { sharedMetric } from './metrics.ts';

/** A warning starts when this part of a bound is used. */
const WARNING_RATIO = 0.8;
/** A warning ends below this part: lower than WARNING_RATIO, so that a fluctuating value warns only once. */
const CALM_RATIO = 0.75;

export type Bounds = ReturnType<typeof createBounds>;

/**
 * Warns before a bounded resource is full. Each start of a warning is logged once, and the gauge `bound_used_ratio`
 * shows all bounds.
 */
export function createBounds({ logger, metrics }: { logger: Logger; metrics: Registry }) {
  const name = 'bound_used_ratio';
  const help = 'The used part of a bound; 1 means full. See docs/operations/capacity.md.';
  const create = () => new Gauge({ name, help, labelNames: ['bound'], registers: [metrics] });
  const ratios = sharedMetric(metrics, name, create);
  const near = new Map<string, number>();

  return {
    /** Records how much of a bound is used. */
    observe(bound: string, used: number, max: number): void {
      const ratio = used / max;
      ratios.set({ bound }, ratio);
      if (ratio >= WARNING_RATIO && !near.has(bound)) {
        logger.warn({ bound, used, max }, 'a bound is nearly reached');
      }
      if (ratio < CALM_RATIO && near.delete(bound))
        logger.info({ bound, used, max }, 'a bound is no longer nearly reached');
      else if (ratio >= WARNING_RATIO || near.has(bound)) near.set(bound, ratio);
    },
    /** The bounds that are nearly or fully used, with percentages; undefined when there are none. */
    warning(): string | undefined {
      const full = [...near].map(([bound, ratio]) => `${bound}: ${Math.floor(ratio * 100)} %`);
      return full.length === 0 ? undefined : full.join(', ');
    },
  };
}
