import type { Recipient } from './delivery.ts';
import { escapeHtml, htmlPage, type MailContent, onOneLine } from './mail.ts';
import type { WebhookDisabledReason } from './webhook.ts';
import { FAILING_HOURS_MAX } from './webhook-delivery.ts';

/** A mail to the owner of an endpoint that was switched off. */
export interface WebhookNotice {
  readonly webhookId: string;
  readonly url: string;
  readonly reason: Exclude<WebhookDisabledReason, 'OWNER'>;
  /** The number of this attempt to send it, from 1. */
  readonly attempts: number;
  /** Undefined while the owner is not known here. */
  readonly recipient: Recipient | undefined;
}

const REASONS: Readonly<Record<WebhookNotice['reason'], string>> = {
  GONE: 'it answered with the status 410 (Gone)',
  FAILING: `all requests to it have failed for ${FAILING_HOURS_MAX} hours`,
};

const CONSEQUENCE =
  'It receives no messages until you switch it on again. Then you can redeliver the messages that it has missed. Messages about events and bookings of the time in which it was off are not sent.';

/** Writes the mail, as plain text and as HTML. The URL has only ASCII characters without control characters. */
export function composeNotice({ url, reason, recipient }: WebhookNotice & { recipient: Recipient }): MailContent {
  const title = 'Webhook switched off';
  const greeting = `Hello ${onOneLine(recipient.name)},`;
  const sentence = `your webhook endpoint was switched off, because ${REASONS[reason]}.`;
  return {
    subject: `${title}: ${new URL(url).hostname}`,
    text: [greeting, '', sentence, '', `Endpoint: ${url}`, '', CONSEQUENCE, ''].join('\n'),
    html: htmlPage(title, [
      `<p>${escapeHtml(greeting)}</p>`,
      `<p>${sentence}</p>`,
      `<p>Endpoint: ${escapeHtml(url)}</p>`,
      `<p>${CONSEQUENCE}</p>`,
    ]),
  };
}
