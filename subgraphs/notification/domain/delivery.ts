import type { EventChange } from './event-change.ts';
import type { Notification, NotificationChannel } from './notification.ts';

/** The user who receives the notification. */
export interface Recipient {
  readonly name: string;
  readonly email: string;
}

/** The facts about an event that a notification contains. */
export interface EventDetails {
  readonly name: string;
  readonly venue: string | null;
  readonly startsAt: Date;
  /** The IANA name of the event's time zone. */
  readonly timeZone: string;
}

/** The values before and after a change of an event. */
export type ChangedFacts = Pick<EventChange, 'startsAt' | 'venue' | 'previousStartsAt' | 'previousVenue'>;

/** One attempt to deliver a notification, with the data that it needs. */
export interface Delivery {
  readonly notification: Notification;
  readonly recipient: Recipient;
  readonly event: EventDetails;
  /** The change that the notification is about. Undefined for other kinds. */
  readonly change?: ChangedFacts | undefined;
}

/** A delivery whose recipient or event may still be unknown to this subgraph. */
export interface PendingDelivery {
  readonly notification: Notification;
  readonly recipient: Recipient | undefined;
  readonly event: EventDetails | undefined;
  readonly change?: ChangedFacts | undefined;
}

/** The channel is unavailable for all notifications. The delivery does not count as an attempt. */
export class ChannelAwayError extends Error {}

/** The channel refuses this notification permanently. A retry would not help. */
export class DeliveryRefusedError extends Error {}

/** A way to deliver notifications. It may get a notification twice, with the same id. */
export interface Channel {
  /** The maximum number of concurrent deliveries. */
  readonly deliveriesMax: number;
  /**
   * @throws ChannelAwayError when the channel is unavailable, DeliveryRefusedError when a retry would not help, and any
   *   other error when the delivery failed or the signal aborted it
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void>;
}

export type Channels = Readonly<Record<NotificationChannel, Channel>>;

/** Checks that recipient and event are known. @throws Error if not: their messages may arrive later */
export function completeDelivery({ notification, recipient, event, change }: PendingDelivery): Delivery {
  if (recipient === undefined) throw new Error('the recipient is not known yet');
  if (event === undefined) throw new Error('the event is not known yet');
  return { notification, recipient, event, change };
}

/** The first pauses between attempts. All later pauses are one hour. */
const FIRST_PAUSES_S = [1, 5, 30, 120, 600, 1_800];
const HOUR_S = 3_600;

/** The state of a notification after a failed attempt. `retryInMs` is a mean value: the actual pauses vary. */
export type FailedAttempt = { status: 'PENDING'; retryInMs: number } | { status: 'FAILED' };

/** Returns PENDING with the pause after this many attempts, or FAILED if all pauses together exceed `retryHours`. */
export function afterFailedAttempt(attempts: number, retryHours: number): FailedAttempt {
  const pausesS = Array.from({ length: attempts }, (_, index) => FIRST_PAUSES_S[index] ?? HOUR_S);
  const pausedS = pausesS.reduce((sum, pauseS) => sum + pauseS, 0);
  if (pausedS > retryHours * HOUR_S) return { status: 'FAILED' };
  return { status: 'PENDING', retryInMs: (pausesS.at(-1) ?? 0) * 1_000 };
}
