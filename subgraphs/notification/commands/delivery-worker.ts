import { setImmediate } from 'node:timers/promises';
import type { Logger } from '#platform/logger.ts';
import { createWorker, type Worker } from '#platform/worker.ts';
import {
  afterFailedAttempt,
  type Channel,
  completeDelivery,
  type FailedAttempt,
  type PendingDelivery,
} from '../domain/delivery.ts';
import type { Notification, NotificationChannel } from '../domain/notification.ts';
import type { NotificationDatabase } from '../store/database.ts';
import { claimDeliveries, markAttemptFailed, markSent } from '../store/deliveries.ts';
import type { DeliveryMetrics } from './delivery-metrics.ts';

const POLL_MS = 250;
/** Under load, outcomes are saved and notifications claimed together. */
const PAUSE_MS = 10;
const TIMEOUT_MS = 10_000;
/** Longer than any delivery takes, so that nobody else begins one meanwhile. */
const LEASE_S = 30;

/** An attempt that is over, and what becomes of its notification. */
interface FinishedAttempt {
  readonly notification: Notification;
  readonly outcome: { readonly status: 'SENT' } | FailedAttempt;
}

/**
 * Delivers the notifications of one channel, as many at once as the channel takes: each that ends makes room for the
 * next, so that one that hangs holds up no other. No transaction is open during a delivery, and it is given up after
 * `timeoutMs`. What this process has delivered it does not deliver again, however long the outcome cannot be saved; a
 * crash before that tries again after the lease: the channel gets the same notification id twice. Stopping begins no
 * more deliveries and waits for those begun.
 */
export function createDeliveryWorker({
  name,
  channel,
  timeoutMs = TIMEOUT_MS,
  database,
  logger,
  metrics,
}: {
  name: NotificationChannel;
  channel: Channel;
  timeoutMs?: number;
  database: NotificationDatabase;
  logger: Logger;
  metrics: DeliveryMetrics;
}): Worker {
  const inFlight = new Set<Promise<void>>();
  /** Not saved yet, oldest first. */
  const finished: FinishedAttempt[] = [];
  let stopping = false;
  let interrupted = false;

  const worker = createWorker({
    intervalMs: POLL_MS,
    pauseMs: PAUSE_MS,
    async run() {
      const room = stopping ? 0 : channel.deliveriesMax - inFlight.size;
      await saveOutcomes();
      interrupted = false;
      if (room === 0) return false;
      const due = await claimDeliveries(database, { channel: name, limit: room, leaseS: LEASE_S });
      for (const pending of due) begin(pending);
      // What ends at once is saved at once.
      await setImmediate();
      await saveOutcomes();
      return due.length === room && inFlight.size < channel.deliveriesMax;
    },
    onError(error) {
      if (!interrupted) logger.warn({ err: error, channel: name }, 'delivering was interrupted; it goes on');
      interrupted = true;
    },
  });

  function begin(pending: PendingDelivery): void {
    const ended = attempt(pending).then((attempted) => {
      finished.push(attempted);
      inFlight.delete(ended);
      worker.nudge();
    });
    inFlight.add(ended);
  }

  async function attempt(pending: PendingDelivery): Promise<FinishedAttempt> {
    const { notification } = pending;
    try {
      await deliver(pending);
      metrics.attempts.inc({ channel: name, outcome: 'sent' });
      return { notification, outcome: { status: 'SENT' } };
    } catch (error) {
      const { id: notificationId, attempts } = notification;
      const outcome = afterFailedAttempt(attempts);
      const about = { err: error, channel: name, notificationId, attempts };
      if (outcome.status === 'FAILED') logger.error(about, 'notification failed');
      else logger.info(about, 'notification not delivered yet; tried again');
      metrics.attempts.inc({ channel: name, outcome: outcome.status === 'FAILED' ? 'failed' : 'retried' });
      return { notification, outcome };
    }
  }

  async function deliver(pending: PendingDelivery): Promise<void> {
    const delivery = completeDelivery(pending);
    const { promise: timedOut, reject } = Promise.withResolvers<never>();
    const abort = new AbortController();
    const timer = setTimeout(() => {
      reject(new Error('the channel did not answer in time'));
      abort.abort();
    }, timeoutMs);
    try {
      await Promise.race([channel.deliver(delivery, abort.signal), timedOut]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws while the database is away; the outcomes are kept */
  async function saveOutcomes(): Promise<void> {
    const saving = [...finished];
    const sent = saving.filter(({ outcome }) => outcome.status === 'SENT');
    const failed = Map.groupBy(
      saving.filter(({ outcome }) => outcome.status !== 'SENT'),
      ({ notification }) => notification.attempts,
    );
    await markSent(database, sent.map(idOf));
    for (const [attempts, group] of failed) {
      await markAttemptFailed(database, group.map(idOf), { attempts, outcome: afterFailedAttempt(attempts) });
    }
    finished.splice(0, saving.length);
  }

  return {
    nudge: worker.nudge,
    async stop() {
      stopping = true;
      await worker.stop();
      await Promise.all(inFlight);
      await saveOutcomes();
    },
  };
}

const idOf = ({ notification }: FinishedAttempt): string => notification.id;
