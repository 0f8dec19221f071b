import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import type { EventChange, SeatsOfUser } from '../domain/event-change.ts';
import type { NotificationChannel } from '../domain/notification.ts';

/** Returns the notification of a user about a change. It has the same id however often it is made. */
export function changeNotification(
  change: EventChange,
  { userId, seatCount }: SeatsOfUser,
  channel: NotificationChannel,
) {
  const id = notificationIdOf(change, userId);
  return {
    id,
    // The statement that adds it tells notifications apart by booking and kind.
    bookingId: id,
    userId,
    eventId: change.eventId,
    seatCount,
    kind: 'EVENT_CHANGED',
    channel,
    expiresAt: null,
    requestId: change.requestId,
    traceparent: null,
    reason: null,
    changeId: change.id,
  } as const;
}

/** Returns a UUIDv7 with the time of the change. Its other bits depend on the change and the user. */
function notificationIdOf({ id, changedAt }: EventChange, userId: string): string {
  const random = createHash('sha256').update(`${id} ${userId}`).digest();
  return v7({ msecs: changedAt.getTime(), seq: random.readUInt32BE(16) & 0x7fffffff, random: random.subarray(0, 16) });
}
