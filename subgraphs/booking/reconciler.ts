import { Counter } from 'prom-client';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import type { Process } from '#platform/process/process.ts';
import { type Finding, reconcileNextPage } from './commands/reconcile.ts';

const POLL_MS = 5_000;
const KINDS: Readonly<Record<Finding['kind'], 0>> = {
  'outdated-facts': 0,
  'open-bookings': 0,
  'wrong-seats': 0,
  unchecked: 0,
};

/** Checks seats and bookings in the background, page by page. Logs and counts each finding. */
export function createReconciler(
  dependencies: Parameters<typeof reconcileNextPage>[0],
  { lifecycle, logger, metrics }: Process,
): Poller {
  const findings = new Counter({
    name: 'booking_reconciliation_findings_total',
    help: 'Findings of the check of seats and bookings. Each finding is logged.',
    labelNames: ['kind'],
    registers: [metrics],
  });
  // Prometheus sees an increase only if it has scraped the series before. The first finding must raise the alert.
  for (const [kind, none] of Object.entries(KINDS)) findings.inc({ kind }, none);
  return createPoller({
    intervalMs: POLL_MS,
    async run() {
      if (lifecycle.stopping) return false;
      await reconcileNextPage(dependencies, (finding) => {
        findings.inc({ kind: finding.kind });
        if (finding.kind === 'wrong-seats')
          logger.error(
            finding,
            'the seats of an event do not add up to its total seats, or those of its waiting list are wrong; nothing was changed',
          );
        else logger.warn(finding, 'the check of seats and bookings reports a finding; see its kind');
      });
      return false;
    },
    onError: (error) => logger.warn({ err: error }, 'the check of seats and bookings failed; it will be tried again'),
  });
}
