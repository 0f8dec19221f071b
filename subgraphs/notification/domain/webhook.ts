/** The kinds of messages that an endpoint can receive. */
export const WEBHOOK_KINDS = [
  'EVENT_CREATED',
  'EVENT_UPDATED',
  'EVENT_CANCELLED',
  'BOOKING_CONFIRMED',
  'BOOKING_CANCELLED',
] as const;
export type WebhookKind = (typeof WEBHOOK_KINDS)[number];

/**
 * Why an endpoint is off: its owner or an admin switched it off, it answered 410 (Gone), or its deliveries have failed
 * for a day.
 */
export type WebhookDisabledReason = 'OWNER' | 'GONE' | 'FAILING';

/** An endpoint of an organizer that receives messages about their events. */
export interface Webhook {
  readonly id: string;
  readonly userId: string;
  readonly url: string;
  readonly kinds: readonly WebhookKind[];
  readonly enabled: boolean;
  /** Null while it is enabled. */
  readonly disabledReason: WebhookDisabledReason | null;
  readonly createdAt: Date;
}

/** The endpoints of a user. It bounds the requests that one message can cause. */
export const WEBHOOKS_PER_USER_MAX = 10;

export type WebhookDeliveryStatus = 'PENDING' | 'DELIVERED' | 'FAILED';

/** One request to an endpoint. */
export interface WebhookAttempt {
  readonly startedAt: Date;
  readonly durationMs: number;
  /** The HTTP status of the answer. Null without an answer. */
  readonly statusCode: number | null;
  /** Why the request failed, as a code such as TIMEOUT. Null if it succeeded. */
  readonly error: string | null;
}

/** A message for an endpoint, as its owner sees it. */
export interface WebhookDelivery {
  readonly id: string;
  readonly messageId: string;
  readonly kind: WebhookKind;
  readonly status: WebhookDeliveryStatus;
  /** The number of attempts since it was created or redelivered by hand. */
  readonly attempts: number;
  /** Null unless it is PENDING. */
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly deliveredAt: Date | null;
  /** The last attempts, oldest first, at most ATTEMPTS_IN_LOG_MAX. */
  readonly log: readonly WebhookAttempt[];
}

/** More attempts than one round has. Each takes about 100 bytes. */
export const ATTEMPTS_IN_LOG_MAX = 20;

/** A message for endpoints: its id, its kind, and the body of the requests. */
export interface WebhookMessage {
  readonly messageId: string;
  readonly kind: WebhookKind;
  readonly payload: string;
  readonly requestId: string | null;
}

/** The body of a request: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload */
export const webhookPayload = (kind: WebhookKind, time: Date, data: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ type: kind.toLowerCase().replace('_', '.'), timestamp: time.toISOString(), data });
