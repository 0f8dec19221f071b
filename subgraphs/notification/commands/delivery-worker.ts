import { setImmediate } from 'node:timers/promises';
import type { Logger } from '#platform/process/logger.ts';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import {
  afterFailedAttempt,
  type Channel,
  ChannelAwayError,
  completeDelivery,
  DeliveryRefusedError,
  type PendingDelivery,
} from '../domain/delivery.ts';
import type { Notification, NotificationChannel } from '../domain/notification.ts';
import type { NotificationDatabase } from '../store/database.ts';
import { claimDeliveries, markAttemptFailed, markPostponed, markSent } from '../store/deliveries.ts';
import { createChannelPause } from './channel-pause.ts';
import type { DeliveryMetrics } from './delivery-metrics.ts';

const POLL_MS = 250;
/** Under load, outcomes are saved and notifications claimed together. */
const PAUSE_MS = 10;
const TIMEOUT_MS = 10_000;
/** Longer than any delivery takes, so that nobody else begins one meanwhile. */
const LEASE_S = 30;

/** An attempt that is over: the metrics know these outcomes by the same names. */
interface FinishedAttempt {
  readonly notification: Notification;
  readonly outcome: 'sent' | 'postponed' | 'retried' | 'failed';
}

/**
 * Delivers the notifications of one channel, as many at once as the channel takes: each that ends makes room for the
 * next, so that one that hangs holds up no other. No transaction is open during a delivery, and it is given up after
 * `timeoutMs`. An attempt that fails is made again for `retryHours`. One that finds the channel away is no attempt: its
 * notification is due at once, and the whole channel pauses, see createChannelPause. What this process has delivered it does not deliver again, however long the outcome cannot be saved; a
 * crash before that tries again after the lease: the channel gets the same notification id twice. Stopping begins no
 * more deliveries and waits for those begun.
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
  database: NotificationDatabase;
  logger: Logger;
  metrics: DeliveryMetrics;
}): Poller {
  const inFlight = new Set<Promise<void>>();
  /** Not saved yet, oldest first. */
  const finished: FinishedAttempt[] = [];
  const pause = createChannelPause({ nowMs: () => performance.now(), random: Math.random });
  let stopping = false;
  let interrupted = false;

  const poller = createPoller({
    intervalMs: POLL_MS,
    pauseMs: PAUSE_MS,
    async run() {
      const free = channel.deliveriesMax - inFlight.size;
      const room = stopping ? 0 : pause.roomFor({ free, inFlight: inFlight.size });
      await saveOutcomes();
      interrupted = false;
      if (room === 0) return false;
      const due = await claimDeliveries(database, { channel: name, limit: room, leaseS: LEASE_S });
      for (const pending of due) begin(pending);
      // What ends at once is saved at once.
      await setImmediate();
      await saveOutcomes();
      return due.length === room && inFlight.size < channel.deliveriesMax && !pause.isAway();
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
      poller.nudge();
    });
    inFlight.add(ended);
  }

  async function attempt(pending: PendingDelivery): Promise<FinishedAttempt> {
    const { notification } = pending;
    const outcome = await outcomeOf(pending);
    metrics.attempts.inc({ channel: name, outcome });
    return { notification, outcome };
  }

  async function outcomeOf(pending: PendingDelivery): Promise<FinishedAttempt['outcome']> {
    const { id: notificationId, attempts } = pending.notification;
    const begunAtMs = performance.now();
    try {
      await deliver(pending);
      return 'sent';
    } catch (error) {
      const about = { err: error, channel: name, notificationId, attempts };
      if (error instanceof ChannelAwayError) {
        if (!pause.isAway()) logger.warn(about, 'the channel is away; its notifications wait');
        pause.foundAway(begunAtMs);
        metrics.away.set({ channel: name }, 1);
        return 'postponed';
      }
      const isLast =
        error instanceof DeliveryRefusedError || afterFailedAttempt(attempts, retryHours).status === 'FAILED';
      if (isLast) logger.error(about, 'notification failed');
      else logger.info(about, 'notification not delivered yet; tried again');
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
      noteThere();
    } catch (error) {
      // Silence says nothing about the channel.
      if (!(error instanceof ChannelAwayError) && !abort.signal.aborted) noteThere();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  function noteThere(): void {
    if (pause.isAway()) logger.info({ channel: name }, 'the channel is there again');
    pause.foundThere();
    metrics.away.set({ channel: name }, 0);
  }

  /** @throws while the database is away; the outcomes are kept */
  async function saveOutcomes(): Promise<void> {
    const saving = [...finished];
    const byOutcome = Map.groupBy(saving, ({ outcome, notification }) =>
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
    finished.splice(0, saving.length);
  }

  return {
    nudge: poller.nudge,
    async stop() {
      stopping = true;
      await poller.stop();
      await Promise.all(inFlight);
      await saveOutcomes();
    },
  };
}

const idOf = ({ notification }: FinishedAttempt): string => notification.id;
