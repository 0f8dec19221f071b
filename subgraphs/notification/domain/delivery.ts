import type { Notification, NotificationChannel } from './notification.ts';

/** Who is told. */
export interface Recipient {
  readonly name: string;
  readonly email: string;
}

/** What a notification says about the event. */
export interface EventDetails {
  readonly name: string;
  readonly venue: string | null;
  readonly startsAt: Date;
}

/** One attempt to deliver a notification, and all that it needs. */
export interface Delivery {
  readonly notification: Notification;
  readonly recipient: Recipient;
  readonly event: EventDetails;
}

/** A delivery whose recipient or event this subgraph may not have heard of yet. */
export interface PendingDelivery {
  readonly notification: Notification;
  readonly recipient: Recipient | undefined;
  readonly event: EventDetails | undefined;
}

/** No notification is at fault: the channel reaches nobody for now. It does not count as an attempt. */
export class ChannelAwayError extends Error {}

/** The channel refuses this notification for good: no later attempt would end differently. */
export class DeliveryRefusedError extends Error {}

/** A way to reach the recipient. It may be used twice for one notification, whose id tells. */
export interface Channel {
  /** The deliveries that it works on at once; it is given no more. */
  readonly deliveriesMax: number;
  /**
   * @throws ChannelAwayError or DeliveryRefusedError where it knows that much; any other error when the recipient was not
   *   reached, or not before the signal aborted
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void>;
}

export type Channels = Readonly<Record<NotificationChannel, Channel>>;

/** The attempt as its channel takes it. @throws while something is not known yet: messages arrive in any order */
export function completeDelivery({ notification, recipient, event }: PendingDelivery): Delivery {
  if (recipient === undefined) throw new Error('the recipient is not known yet');
  if (event === undefined) throw new Error('the event is not known yet');
  return { notification, recipient, event };
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** From then on one attempt follows the other by an hour. */
const FIRST_PAUSES_MS: readonly number[] = [
  SECOND_MS,
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
];

/** What becomes of a notification whose attempt failed. `retryInMs` is a mean: the pauses vary, to spread the attempts. */
export type FailedAttempt = { status: 'PENDING'; retryInMs: number } | { status: 'FAILED' };

/** Tries again after growing pauses, an hour at the most, and gives up before they add up to more than `retryHours`. */
export function afterFailedAttempt(attempts: number, retryHours: number): FailedAttempt {
  const retryInMs = FIRST_PAUSES_MS[attempts - 1] ?? HOUR_MS;
  const firstPauses = FIRST_PAUSES_MS.slice(0, attempts);
  const pausedMs =
    firstPauses.reduce((sum, pause) => sum + pause, 0) + Math.max(0, attempts - FIRST_PAUSES_MS.length) * HOUR_MS;
  return pausedMs > retryHours * HOUR_MS ? { status: 'FAILED' } : { status: 'PENDING', retryInMs };
}
