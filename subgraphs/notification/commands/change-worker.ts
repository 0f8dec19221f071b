import { Counter, type Registry } from 'prom-client';
import type { SqlClient } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import type { NotificationChannel } from '../domain/notification.ts';
import { changeNotification } from '../store/change-notification.ts';
import { findUsersToTell, lockDueChange, saveProgress } from '../store/event-changes.ts';
import { insertNotifications } from '../store/notifications.ts';

const POLL_MS = 1_000;
/** Small enough that a page is a short transaction. */
const USERS_AT_ONCE = 500;

/**
 * Adds the notifications about changes of events, page by page in order of the users' ids. Each page and the progress are
 * one transaction, so another process continues after a crash. A user gets one notification of a change, however many
 * bookings they have. Nobody is told of the change of an event that was cancelled or has started.
 */
export function createChangeWorker({
  channel,
  database,
  logger,
  metrics,
  onNotified,
  usersAtOnce = USERS_AT_ONCE,
}: {
  channel: NotificationChannel;
  database: SqlClient;
  logger: Logger;
  metrics: Registry;
  /** Called after each page. */
  onNotified: () => void;
  usersAtOnce?: number;
}): Poller {
  const notified = new Counter({
    name: 'event_change_notifications_total',
    help: 'Notifications about changes of events that were added page by page.',
    registers: [metrics],
  });
  const outage = createOutageLog({
    logger,
    began: 'telling users of changed events was interrupted; it continues',
    over: 'telling users of changed events goes on',
  });
  return createPoller({
    intervalMs: POLL_MS,
    async run() {
      const count = await database.$transaction(async (transaction) => {
        const change = await lockDueChange(transaction);
        if (change === undefined) return undefined;
        const users = change.isAhead ? await findUsersToTell(transaction, change, usersAtOnce) : [];
        if (users.length > 0) {
          await insertNotifications(
            transaction,
            users.map((user) => changeNotification(change, user, channel)),
          );
        }
        await saveProgress(transaction, change, users.length < usersAtOnce ? undefined : users.at(-1)?.userId);
        return users.length;
      });
      outage.succeeded();
      if (count === undefined) return false;
      notified.inc(count);
      onNotified();
      return true;
    },
    onError: (error) => outage.failed({ err: error }),
  });
}
