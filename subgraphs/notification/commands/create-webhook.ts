import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { unauthenticated } from '#platform/errors/errors.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import type { Caller } from '#platform/identity/identity.ts';
import { WEBHOOKS_PER_USER_MAX, type Webhook } from '../domain/webhook.ts';
import type { CreateWebhookRequest } from '../domain/webhook-input.ts';
import { insertWebhookSecret } from '../store/webhook-secrets.ts';
import { findWebhook, findWebhooksOf, insertWebhook, lockOwner } from '../store/webhooks.ts';
import type { NotificationDependencies } from './dependencies.ts';
import { createWebhookSecret } from './webhook-secret.ts';

export type WebhookCreation =
  | { outcome: 'created'; webhook: Webhook; secret: string }
  | { outcome: 'exists'; webhook: Webhook }
  | { outcome: 'limit-reached'; limit: number };

/**
 * Creates an endpoint of the caller. A user has one endpoint for a URL: a retry returns the existing one, without its
 * secret, which is shown only once.
 * @throws UNAUTHENTICATED when the caller has deleted their account
 */
export async function createWebhook(
  dependencies: Pick<NotificationDependencies, 'database' | 'webhooks' | 'newId'>,
  { caller: { userId }, input }: { caller: Caller; input: CreateWebhookRequest },
): Promise<WebhookCreation> {
  try {
    return await add(dependencies, userId, input);
  } catch (error) {
    if (sqlErrorNumber(error) !== SQL_ERROR.duplicateKey) throw error;
    // Another request with this URL was committed after the look-up.
    const webhook = (await findWebhooksOf(dependencies.database, [userId])).find(({ url }) => url === input.url);
    if (webhook === undefined) throw error;
    return { outcome: 'exists', webhook };
  }
}

async function add(
  { database, webhooks: { sealer }, newId }: Pick<NotificationDependencies, 'database' | 'webhooks' | 'newId'>,
  userId: string,
  { url, kinds }: CreateWebhookRequest,
): Promise<WebhookCreation> {
  return database.$transaction(async (transaction): Promise<WebhookCreation> => {
    await lockOwner(transaction, userId);
    const own = await findWebhooksOf(transaction, [userId]);
    const existing = own.find((webhook) => webhook.url === url);
    if (existing !== undefined) return { outcome: 'exists', webhook: existing };
    if (own.length >= WEBHOOKS_PER_USER_MAX) return { outcome: 'limit-reached', limit: WEBHOOKS_PER_USER_MAX };
    const id = newId();
    const secret = createWebhookSecret();
    if (!(await insertWebhook(transaction, { id, userId, url, kinds }))) throw unauthenticated();
    await insertWebhookSecret(transaction, { id: newId(), webhookId: id, sealed: sealer.seal(secret, id) });
    const webhook = await findWebhook(transaction, id);
    if (webhook === undefined) throw new Error('a new endpoint is missing');
    return { outcome: 'created', webhook, secret };
  }, TRANSACTION_LIMITS);
}
