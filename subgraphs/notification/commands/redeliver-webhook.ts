import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { WebhookDelivery } from '../domain/webhook.ts';
import { findWebhookDelivery, resetWebhookDelivery } from '../store/webhook-deliveries.ts';
import { findWebhook } from '../store/webhooks.ts';
import type { NotificationDependencies } from './dependencies.ts';

export type Redelivery =
  | { outcome: 'redelivered'; delivery: WebhookDelivery }
  | { outcome: 'not-found' }
  | { outcome: 'disabled' };

/**
 * Sends a delivery again now, with the same webhook-id, whatever its status. If one of its requests is running, the
 * endpoint may get both.
 */
export async function redeliverWebhook(
  { database, webhooks: { worker } }: Pick<NotificationDependencies, 'database' | 'webhooks'>,
  { caller, deliveryId }: { caller: Caller; deliveryId: string },
): Promise<Redelivery> {
  const found = await findWebhookDelivery(database, deliveryId);
  const webhook = found && (await findWebhook(database, found.webhookId));
  if (webhook === undefined || !isSelfOrAdmin(caller, webhook.userId)) return { outcome: 'not-found' };
  if (!webhook.enabled) return { outcome: 'disabled' };
  await database.$transaction(
    (transaction) => resetWebhookDelivery(transaction, { id: deliveryId, webhookId: webhook.id }),
    TRANSACTION_LIMITS,
  );
  worker.nudge();
  const again = await findWebhookDelivery(database, deliveryId);
  return again === undefined ? { outcome: 'not-found' } : { outcome: 'redelivered', delivery: again.delivery };
}
