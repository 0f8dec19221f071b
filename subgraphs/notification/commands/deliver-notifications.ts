import type { Logger } from '#platform/logger.ts';
import { afterFailedAttempt, type Channels, completeDelivery, type PendingDelivery } from '../domain/delivery.ts';
import type { NotificationDatabase } from '../store/database.ts';
import { claimDeliveries, markAttemptFailed, markSent } from '../store/deliveries.ts';

const BATCH_MAX = 100;
const TIMEOUT_MS = 10_000;
/** Longer than any delivery takes, so that nobody else begins one meanwhile. */
const LEASE_S = 30;

/**
 * Makes one attempt at each of the notifications that are due; answers whether there may be more. No transaction is
 * open during the deliveries, and one that hangs is given up after 10 s. A crash before the outcome is saved tries
 * again after the lease: the channel gets the same notification id twice.
 */
export async function deliverNotifications({
  database,
  channels,
  timeoutMs = TIMEOUT_MS,
  logger,
}: {
  database: NotificationDatabase;
  channels: Channels;
  timeoutMs?: number;
  logger: Logger;
}): Promise<boolean> {
  const deliveries = await claimDeliveries(database, { limit: BATCH_MAX, leaseS: LEASE_S });
  const attempts = await Promise.allSettled(deliveries.map((delivery) => attempt(delivery, { channels, timeoutMs })));
  const sent: string[] = [];
  const failed = new Map<number, string[]>();
  for (const [index, { notification }] of deliveries.entries()) {
    const result = attempts[index];
    if (result?.status !== 'rejected') {
      sent.push(notification.id);
      continue;
    }
    failed.set(notification.attempts, [...(failed.get(notification.attempts) ?? []), notification.id]);
    const about = { err: result.reason, notificationId: notification.id, attempts: notification.attempts };
    if (afterFailedAttempt(notification.attempts).status === 'FAILED') logger.error(about, 'notification failed');
    else logger.info(about, 'notification not delivered yet; tried again');
  }
  await markSent(database, sent);
  for (const [count, ids] of failed) {
    await markAttemptFailed(database, ids, { attempts: count, outcome: afterFailedAttempt(count) });
  }
  return deliveries.length === BATCH_MAX;
}

async function attempt(
  pending: PendingDelivery,
  { channels, timeoutMs }: { channels: Channels; timeoutMs: number },
): Promise<void> {
  const delivery = completeDelivery(pending);
  const channel = channels[delivery.notification.channel];
  if (channel === undefined) throw new Error(`the channel ${delivery.notification.channel} is not configured`);
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the channel did not answer in time')), timeoutMs);
  try {
    await Promise.race([channel.deliver(delivery), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
