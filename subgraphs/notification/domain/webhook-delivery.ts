import type { WebhookAttempt, WebhookDisabledReason, WebhookKind } from './webhook.ts';

/** A delivery that this process has claimed, with the data that its request needs. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly messageId: string;
  readonly kind: WebhookKind;
  readonly payload: string;
  readonly requestId: string | null;
  /** The number of this attempt, from 1. */
  readonly attempts: number;
  readonly url: string;
  readonly enabled: boolean;
  /** The secrets that sign, encrypted, newest first. */
  readonly sealedSecrets: readonly string[];
}

/** The answer to a request, or why there was none. */
export type WebhookAnswer = Pick<WebhookAttempt, 'statusCode' | 'error'>;

/** The pauses between the attempts. They add up to 24.2 hours. */
const PAUSES_S = [5, 30, 120, 600, 3_600, 7_200, 14_400, 28_800, 32_400];
/** Each pause becomes longer by up to this fraction, never shorter: the last attempt is a day after the first one. */
const JITTER = 0.1;

/** The attempts before a delivery is FAILED. */
export const WEBHOOK_ATTEMPTS_MAX = PAUSES_S.length + 1;

/** An endpoint is switched off when all attempts have failed for this time. */
export const FAILING_HOURS_MAX = 24;

const GONE = 410;

export type AttemptOutcome =
  | { outcome: 'delivered' }
  | { outcome: 'retried'; retryInMs: number }
  | { outcome: 'failed'; disable?: WebhookDisabledReason };

/** Decides what follows from the answer to attempt number `attempts`. `chance` is from 0 to 1. */
export function outcomeOfAttempt(
  { statusCode, error }: WebhookAnswer,
  { attempts, chance }: { attempts: number; chance: number },
): AttemptOutcome {
  if (error === null) return { outcome: 'delivered' };
  if (statusCode === GONE) return { outcome: 'failed', disable: 'GONE' };
  const pauseS = PAUSES_S[attempts - 1];
  if (pauseS === undefined) return { outcome: 'failed' };
  return { outcome: 'retried', retryInMs: Math.round(pauseS * 1_000 * (1 + JITTER * chance)) };
}

/** The bounds of one process. */
export interface InFlightLimits {
  readonly total: number;
  readonly perEndpoint: number;
  /** For all endpoints together whose last attempt failed. Each of them gets one request at a time. */
  readonly failing: number;
}

/** An endpoint with deliveries that are due or in flight. */
export interface BusyEndpoint {
  readonly webhookId: string;
  /** True if its last attempt failed. */
  readonly isFailing: boolean;
}

/**
 * Returns how many deliveries of each due endpoint may start now, in the order of `due`. `inFlight` has an entry for
 * each running request. A slow or failing endpoint cannot take the requests of the others: it has few at once, and all
 * failing endpoints together have a share of their own.
 */
export function shareRoom(
  due: readonly BusyEndpoint[],
  inFlight: readonly BusyEndpoint[],
  limits: InFlightLimits,
): Map<string, number> {
  const share = new Map<string, number>();
  let room = limits.total - inFlight.length;
  let failingRoom = limits.failing - inFlight.filter(({ isFailing }) => isFailing).length;
  for (const { webhookId, isFailing } of due) {
    const own = inFlight.filter((one) => one.webhookId === webhookId).length;
    const free = isFailing ? Math.min(1 - own, room, failingRoom) : Math.min(limits.perEndpoint - own, room);
    if (free <= 0) continue;
    share.set(webhookId, free);
    room -= free;
    if (isFailing) failingRoom -= free;
  }
  return share;
}
