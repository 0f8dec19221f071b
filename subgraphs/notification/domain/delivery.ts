import type { Notification, NotificationChannel } from './notification.ts';

/** Who is told. */
export interface Recipient {
  readonly name: string;
  readonly email: string;
}

/** What a notification says about the event. */
export interface EventFacts {
  readonly name: string;
  readonly venue: string | null;
  readonly startsAt: Date;
}

/** One attempt to deliver a notification, and all that it needs. */
export interface Delivery {
  readonly notification: Notification;
  readonly recipient: Recipient;
  readonly event: EventFacts;
}

/** A delivery whose recipient or event this subgraph may not have heard of yet. */
export interface PendingDelivery {
  readonly notification: Notification;
  readonly recipient: Recipient | undefined;
  readonly event: EventFacts | undefined;
}

/** A way to reach the recipient. It may be used twice for one notification, whose id tells. */
export interface Channel {
  /** The deliveries that it works on at once; it is given no more. */
  readonly deliveriesMax: number;
  /** @throws when the recipient was not reached, or not before the signal aborted */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void>;
}

export type Channels = Readonly<Record<NotificationChannel, Channel>>;

/** The attempt as its channel takes it. @throws while something is not known yet: messages arrive in any order */
export function completeDelivery({ notification, recipient, event }: PendingDelivery): Delivery {
  if (recipient === undefined) throw new Error('the recipient is not known yet');
  if (event === undefined) throw new Error('the event is not known yet');
  return { notification, recipient, event };
}

const RETRY_DELAYS_MS: readonly number[] = [1_000, 5_000, 30_000, 120_000];

/** What becomes of a notification whose so-many-th attempt failed. */
export type FailedAttempt = { status: 'PENDING'; retryInMs: number } | { status: 'FAILED' };

/** Tries again after 1 s, 5 s, 30 s and 2 min, then gives up. */
export function afterFailedAttempt(attempts: number): FailedAttempt {
  const retryInMs = RETRY_DELAYS_MS[attempts - 1];
  return retryInMs === undefined ? { status: 'FAILED' } : { status: 'PENDING', retryInMs };
}
