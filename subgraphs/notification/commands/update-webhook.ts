import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { UpdateWebhookRequest } from '../domain/webhook-input.ts';
import { findWebhooksOf, lockWebhook, saveWebhook } from '../store/webhooks.ts';
import type { NotificationDependencies } from './dependencies.ts';

export type WebhookUpdate =
  | { outcome: 'updated'; webhook: Webhook }
  | { outcome: 'not-found' }
  | { outcome: 'url-taken'; webhook: Webhook };

/**
 * Changes the given facts of an endpoint. A retry changes nothing more. An endpoint that is switched on again has its
 * failures forgotten.
 */
export async function updateWebhook(
  { database }: Pick<NotificationDependencies, 'database'>,
  { caller, input: { id, ...changes } }: { caller: Caller; input: UpdateWebhookRequest },
): Promise<WebhookUpdate> {
  let owner = '';
  try {
    return await database.$transaction(async (transaction): Promise<WebhookUpdate> => {
      const before = await lockWebhook(transaction, id);
      if (before === undefined || !isSelfOrAdmin(caller, before.userId)) return { outcome: 'not-found' };
      owner = before.userId;
      const enabled = changes.enabled ?? before.enabled;
      const webhook: Webhook = {
        ...before,
        url: changes.url ?? before.url,
        kinds: changes.kinds ?? before.kinds,
        enabled,
        disabledReason: enabled ? null : (before.disabledReason ?? 'OWNER'),
      };
      await saveWebhook(transaction, webhook);
      return { outcome: 'updated', webhook };
    }, TRANSACTION_LIMITS);
  } catch (error) {
    if (sqlErrorNumber(error) !== SQL_ERROR.duplicateKey) throw error;
    const other = (await findWebhooksOf(database, [owner])).find(({ url }) => url === changes.url);
    if (other === undefined) throw error;
    return { outcome: 'url-taken', webhook: other };
  }
}
