import type { Webhook } from '../domain/webhook.ts';

export const webhookNotFound = () =>
  ({
    __typename: 'WebhookNotFoundError',
    code: 'WEBHOOK_NOT_FOUND',
    message: 'There is no such endpoint.',
  }) as const;

export const webhookExists = (webhook: Webhook) =>
  ({
    __typename: 'WebhookExistsError',
    code: 'WEBHOOK_EXISTS',
    message: 'There is already an endpoint with this URL.',
    webhook,
  }) as const;
