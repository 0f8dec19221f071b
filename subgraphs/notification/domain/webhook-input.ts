import { z } from 'zod';
import { isPublicAddress } from '#platform/clients/public-address.ts';
import { WEBHOOK_KINDS } from './webhook.ts';

const URL_LENGTH_MAX = 1_000;
const HTTPS_PORT = '';

/**
 * The rules of an address. The names in it are not resolved here: each connection checks the address that it connects
 * to. With `allowPrivate`, http, all ports and all IP addresses are allowed, for development and tests.
 */
const address = ({ allowPrivate }: { allowPrivate: boolean }) =>
  z.string().transform((text, context) => {
    const problem = (rule: string) => {
      context.addIssue({ code: 'custom', message: rule });
      return z.NEVER;
    };
    const url = URL.parse(text.trim());
    if (url === null) return problem('must be a URL like https://example.com/webhooks');
    if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
      return problem('must begin with https://');
    if (url.username !== '' || url.password !== '') return problem('must not contain a name or a password');
    if (url.href.length > URL_LENGTH_MAX) return problem(`must have at most ${URL_LENGTH_MAX} characters`);
    url.hash = '';
    if (allowPrivate) return url.href;
    if (url.port !== HTTPS_PORT) return problem('must use port 443');
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const isAddress = host.includes(':') || /^[\d.]+$/.test(host);
    if (isAddress && !isPublicAddress(host)) return problem('must not be an address of a private network');
    return url.href;
  });

const kinds = z
  .array(z.enum(WEBHOOK_KINDS))
  .min(1, 'must contain at least one kind')
  .transform((given) => WEBHOOK_KINDS.filter((kind) => given.includes(kind)));

/** The rules of the inputs of createWebhook and updateWebhook. Kinds are stored once each and in a fixed order. */
export const webhookRules = (options: { allowPrivate: boolean }) => ({
  create: z.object({ url: address(options), kinds }),
  update: z.object({
    id: z.string(),
    url: address(options).nullish(),
    kinds: kinds.nullish(),
    enabled: z.boolean().nullish(),
  }),
});

export type WebhookRules = ReturnType<typeof webhookRules>;
export type CreateWebhookRequest = z.output<WebhookRules['create']>;
export type UpdateWebhookRequest = z.output<WebhookRules['update']>;
