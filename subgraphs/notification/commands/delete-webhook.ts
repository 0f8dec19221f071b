import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import { deleteWebhookRows, lockWebhook } from '../store/webhooks.ts';
import type { NotificationDependencies } from './dependencies.ts';

/** Deletes an endpoint and its secrets. Its deliveries are not sent any more. Returns false if it does not exist. */
export const deleteWebhook = (
  { database }: Pick<NotificationDependencies, 'database'>,
  { caller, id }: { caller: Caller; id: string },
): Promise<boolean> =>
  database.$transaction(async (transaction) => {
    const webhook = await lockWebhook(transaction, id);
    if (webhook === undefined || !isSelfOrAdmin(caller, webhook.userId)) return false;
    await deleteWebhookRows(transaction, id);
    return true;
  }, TRANSACTION_LIMITS);
