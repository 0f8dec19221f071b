import type { Client } from '#client/client.ts';
import {
  AddWebhookDocument,
  EditWebhookDocument,
  OwnWebhooksDocument,
  RedeliverDocument,
  RemoveWebhookDocument,
  ReplaceWebhookSecretDocument,
  WebhookDeliveriesDocument,
  type WebhookDeliveriesQuery,
  type WebhookFieldsFragment,
  type WebhookKind,
} from '#client/generated/graphql.ts';
import { LocalError } from '../local/settings.ts';
import { accept } from './accept.ts';

const WEBHOOKS_USAGE =
  'npm run cli -- webhook list | add <url> [--kinds booking.confirmed,...] | log <id> | on <id> | off <id> | rotate <id> | delete <id> | redeliver <delivery>';

const KINDS: readonly WebhookKind[] = [
  'EVENT_CREATED',
  'EVENT_UPDATED',
  'EVENT_CANCELLED',
  'BOOKING_CONFIRMED',
  'BOOKING_CANCELLED',
];

type Delivery = NonNullable<WebhookDeliveriesQuery['webhook']>['deliveries']['nodes'][number];

const nameOf = (kind: WebhookKind) => kind.toLowerCase().replace('_', '.');

const describeWebhook = ({ id, url, kinds, enabled, disabledReason }: WebhookFieldsFragment) =>
  `${id}  ${enabled ? 'on' : `off (${disabledReason?.toLowerCase()})`}  ${url}  ${kinds.map(nameOf).join()}`;

function describeDelivery({ id, kind, status, createdAt, log }: Delivery): string {
  const attempts = log.map(
    ({ startedAt, durationMs, statusCode, error }) => `\n    ${startedAt}  ${error ?? statusCode}  ${durationMs} ms`,
  );
  return `${id}  ${createdAt}  ${nameOf(kind)}  ${status.toLowerCase()}${attempts.join('')}`;
}

const kindsIn = (text: string | undefined): readonly WebhookKind[] => {
  if (text === undefined) return KINDS;
  return text.split(',').map((name) => {
    const kind = KINDS.find((one) => nameOf(one) === name);
    if (kind === undefined) throw new LocalError(`There is no kind ${name}. The kinds are ${KINDS.map(nameOf).join()}`);
    return kind;
  });
};

const showSecret = (secret: string) => `Its secret, which is not shown again: ${secret}`;

/**
 * Runs `webhook <action>`. Returns what to print.
 * @throws LocalError for a refusal, or with the usage
 */
export async function runWebhookCommand(
  client: Client,
  [action = '', text = '']: readonly string[],
  {
    kinds,
  }: {
    kinds: string | undefined;
  },
): Promise<string> {
  if (text === '' && action !== 'list') throw new LocalError(`Usage: ${WEBHOOKS_USAGE}`);
  const change = async (enabled: boolean) => {
    const { updateWebhook } = await client.request(EditWebhookDocument, { input: { id: text, enabled } });
    return describeWebhook(accept(updateWebhook).webhook);
  };
  switch (action) {
    case 'list': {
      const { me } = await client.request(OwnWebhooksDocument);
      return me?.webhooks?.map(describeWebhook).join('\n') || 'You have no endpoints.';
    }
    case 'add': {
      const input = { url: text, kinds: [...kindsIn(kinds)] };
      const { webhook, secret } = accept((await client.request(AddWebhookDocument, { input })).createWebhook);
      return `${describeWebhook(webhook)}\n${showSecret(secret)}`;
    }
    case 'log': {
      const { webhook } = await client.request(WebhookDeliveriesDocument, { id: text });
      if (webhook === null) throw new LocalError(`You have no endpoint ${text}.`);
      return webhook.deliveries.nodes.map(describeDelivery).join('\n') || 'There are no messages yet.';
    }
    case 'on':
      return change(true);
    case 'off':
      return change(false);
    case 'rotate': {
      const { rotateWebhookSecret } = await client.request(ReplaceWebhookSecretDocument, { id: text });
      const { secret, previousValidUntil } = accept(rotateWebhookSecret);
      return `${showSecret(secret)}\nThe secrets before it are valid until ${previousValidUntil}.`;
    }
    case 'delete':
      return `Deleted ${accept((await client.request(RemoveWebhookDocument, { id: text })).deleteWebhook).id}.`;
    case 'redeliver': {
      const { redeliverWebhook } = await client.request(RedeliverDocument, { deliveryId: text });
      return `${accept(redeliverWebhook).delivery.id} is sent again.`;
    }
    default:
      throw new LocalError(`Usage: ${WEBHOOKS_USAGE}`);
  }
}
