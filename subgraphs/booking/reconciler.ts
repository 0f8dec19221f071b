import { Counter } from 'prom-client';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import type { SubgraphService } from '#platform/subgraph-service.ts';
import { reconcileNextPage } from './commands/reconcile.ts';

const POLL_MS = 5_000;

/** Runs the check of seats and bookings slowly in the background; logs and counts what it finds. */
export function createReconciler(
  dependencies: Parameters<typeof reconcileNextPage>[0],
  { lifecycle, logger, metrics }: Pick<SubgraphService, 'lifecycle' | 'logger' | 'metrics'>,
): Poller {
  const findings = new Counter({
    name: 'booking_reconciliation_findings_total',
    help: 'What the check of seats and bookings has found; each finding is logged.',
    labelNames: ['kind'],
    registers: [metrics],
  });
  return createPoller({
    intervalMs: POLL_MS,
    async run() {
      if (lifecycle.stopping) return false;
      await reconcileNextPage(dependencies, (finding) => {
        findings.inc({ kind: finding.kind });
        if (finding.kind === 'wrong-seats') logger.error(finding, 'the seats of an event do not add up');
        else logger.warn(finding, 'the check of seats and bookings has found something');
      });
      return false;
    },
    onError: (error) => logger.warn({ err: error }, 'the check of seats and bookings failed; it goes on'),
  });
}
