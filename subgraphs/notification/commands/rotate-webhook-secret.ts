import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { forbidden } from '#platform/errors/errors.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { Webhook } from '../domain/webhook.ts';
import { expireWebhookSecrets, insertWebhookSecret } from '../store/webhook-secrets.ts';
import { lockWebhook } from '../store/webhooks.ts';
import type { NotificationDependencies } from './dependencies.ts';
import { createWebhookSecret } from './webhook-secret.ts';

export interface Rotation {
  readonly webhook: Webhook;
  readonly secret: string;
  readonly previousValidUntil: Date;
}

/**
 * Adds a secret to an endpoint. The secrets before it still sign for `keepHours`. So a caller who has lost the answer
 * can call again: the secret that the receiver knows stays valid. Returns null if the endpoint does not exist.
 * @throws FORBIDDEN when the caller is an admin but not the owner: only the owner may see a secret
 */
export const rotateWebhookSecret = (
  { database, webhooks: { sealer }, newId }: Pick<NotificationDependencies, 'database' | 'webhooks' | 'newId'>,
  { caller, id, keepHours }: { caller: Caller; id: string; keepHours: number },
): Promise<Rotation | null> =>
  database.$transaction(async (transaction) => {
    const webhook = await lockWebhook(transaction, id);
    if (webhook === undefined || !isSelfOrAdmin(caller, webhook.userId)) return null;
    if (webhook.userId !== caller.userId) throw forbidden();
    const previousValidUntil = await expireWebhookSecrets(transaction, id, keepHours);
    const secret = createWebhookSecret();
    await insertWebhookSecret(transaction, { id: newId(), webhookId: id, sealed: sealer.seal(secret, id) });
    return { webhook, secret, previousValidUntil };
  }, TRANSACTION_LIMITS);
