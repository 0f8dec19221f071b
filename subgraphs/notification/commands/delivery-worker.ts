import type { SqlClient } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { Poller } from '#platform/process/poller.ts';
import { SpanKind, startSpan } from '#platform/process/tracing.ts';
import {
  afterFailedAttempt,
  type Channel,
  ChannelAwayError,
  completeDelivery,
  DeliveryRefusedError,
  type PendingDelivery,
} from '../domain/delivery.ts';
import type { Notification, NotificationChannel } from '../domain/notification.ts';
import { claimDeliveries, markAttemptFailed, markPostponed, markSent } from '../store/deliveries.ts';
import { createAttemptWorker } from './attempt-worker.ts';
import { createChannelPause } from './channel-pause.ts';
import type { DeliveryMetrics } from './delivery-metrics.ts';

const POLL_MS = 250;
const PAUSE_MS = 50;
const TIMEOUT_MS = 10_000;
/** Longer than a delivery can take, so that no other process starts the same delivery in the meantime. */
const LEASE_S = 30;

/** The outcomes of an attempt. The metrics use the same names. */
const OUTCOMES = ['sent', 'postponed', 'retried', 'failed'] as const;

interface FinishedAttempt {
  readonly notification: Notification;
  readonly outcome: (typeof OUTCOMES)[number];
}

/**
 * Delivers the notifications of one channel as createAttemptWorker describes, at most `channel.deliveriesMax` at once. A
 * delivery is aborted after `timeoutMs`. A failed attempt is retried for `retryHours`. If the channel is away, the attempt
 * does not count: the notification is due immediately, and the whole channel pauses (see createChannelPause). After a
 * crash, the channel may get the same notification id twice.
 */
export function createDeliveryWorker({
  name,
  channel,
  retryHours,
  timeoutMs = TIMEOUT_MS,
  database,
  logger,
  metrics,
}: {
  name: NotificationChannel;
  channel: Channel;
  retryHours: number;
  timeoutMs?: number;
  database: SqlClient;
  logger: Logger;
  metrics: DeliveryMetrics;
}): Poller {
  const pause = createChannelPause({ nowMs: () => performance.now(), random: Math.random });
  // Prometheus sees an increase only if it has scraped the series before. The first failure must raise the alert.
  for (const outcome of OUTCOMES) metrics.attempts.inc({ channel: name, outcome }, 0);

  async function attempt(pending: PendingDelivery): Promise<FinishedAttempt> {
    const { notification } = pending;
    const { id: notificationId, bookingId, requestId, traceparent } = notification;
    const span = startSpan('send notification', traceparent ?? undefined, { kind: SpanKind.CLIENT });
    const outcome = await outcomeOf(pending);
    span.end({ attributes: { channel: name, outcome }, ...(outcome !== 'sent' && { error: outcome }) });
    if (outcome === 'sent') logger.info({ channel: name, notificationId, bookingId, requestId }, 'notification sent');
    metrics.attempts.inc({ channel: name, outcome });
    return { notification, outcome };
  }

  async function outcomeOf(pending: PendingDelivery): Promise<FinishedAttempt['outcome']> {
    const { id: notificationId, attempts, requestId } = pending.notification;
    const begunAtMs = performance.now();
    try {
      await deliver(pending);
      return 'sent';
    } catch (error) {
      const about = { err: error, channel: name, notificationId, attempts, requestId };
      if (error instanceof ChannelAwayError) {
        if (!pause.isAway()) logger.warn(about, 'the channel is unavailable; its notifications wait');
        pause.foundAway(begunAtMs);
        metrics.away.set({ channel: name }, 1);
        return 'postponed';
      }
      const isLast =
        error instanceof DeliveryRefusedError || afterFailedAttempt(attempts, retryHours).status === 'FAILED';
      if (isLast) logger.error(about, 'notification failed');
      else logger.info(about, 'notification was not delivered; it will be retried');
      return isLast ? 'failed' : 'retried';
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
      noteAvailable();
    } catch (error) {
      // A timeout does not show whether the channel is available.
      if (!(error instanceof ChannelAwayError) && !abort.signal.aborted) noteAvailable();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  function noteAvailable(): void {
    if (pause.isAway()) logger.info({ channel: name }, 'the channel is available again');
    pause.foundAvailable();
    metrics.away.set({ channel: name }, 0);
  }

  async function save(finished: readonly FinishedAttempt[]): Promise<void> {
    const byOutcome = Map.groupBy(finished, ({ outcome, notification }) =>
      outcome === 'sent' ? outcome : `${outcome} ${notification.attempts}`,
    );
    for (const group of byOutcome.values()) {
      const [{ outcome, notification } = {}] = group;
      if (outcome === undefined || notification === undefined) continue;
      const { attempts } = notification;
      const ids = group.map(idOf);
      if (outcome === 'sent') await markSent(database, ids);
      else if (outcome === 'postponed') await markPostponed(database, ids, attempts);
      else if (outcome === 'failed')
        await markAttemptFailed(database, ids, { attempts, outcome: { status: 'FAILED' } });
      else await markAttemptFailed(database, ids, { attempts, outcome: afterFailedAttempt(attempts, retryHours) });
    }
  }

  return createAttemptWorker({
    what: `delivery on the channel ${name}`,
    pollMs: POLL_MS,
    pauseMs: PAUSE_MS,
    roomFor: (inFlight) => pause.roomFor({ free: channel.deliveriesMax - inFlight, inFlight }),
    claim: (room) => claimDeliveries(database, { channel: name, limit: room, leaseS: LEASE_S }),
    attempt,
    save,
    idsOf: ({ notification: { id: notificationId } }) => ({ notificationId }),
    logger,
  });
}

const idOf = ({ notification }: FinishedAttempt): string => notification.id;
