import { onOneLine } from './mail.ts';
import type { WebhookDisabledReason } from './webhook.ts';
import { FAILING_HOURS_MAX } from './webhook-delivery.ts';

/** A mail to the owner of an endpoint that was switched off. */
export interface WebhookNotice {
  readonly webhookId: string;
  readonly url: string;
  readonly reason: Exclude<WebhookDisabledReason, 'OWNER'>;
  /** The number of this attempt to send it, from 1. */
  readonly attempts: number;
  /** Null while the owner is not known here. */
  readonly name: string | null;
  readonly email: string | null;
}

const REASONS: Readonly<Record<WebhookNotice['reason'], string>> = {
  GONE: 'it answered with the status 410 (Gone)',
  FAILING: `all requests to it have failed for ${FAILING_HOURS_MAX} hours`,
};

/** Writes the mail. The URL has only ASCII characters without control characters. */
export const composeNotice = ({ url, reason, name }: WebhookNotice & { name: string }) => ({
  subject: `Webhook switched off: ${new URL(url).hostname}`,
  text: `Hello ${onOneLine(name)},

your webhook endpoint was switched off, because ${REASONS[reason]}.

Endpoint: ${url}

It receives no messages until you switch it on again. Then you can redeliver the messages that it has missed. Messages
about events and bookings of the time in which it was off are not sent.
`,
});
