import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';

/** The signatures of a request. More rotations in a day invalidate the oldest secrets earlier. */
const VALID_SECRETS_MAX = 5;

/** Adds an encrypted secret, which signs from now on. */
export async function insertWebhookSecret(
  transaction: SqlExecutor,
  { id, webhookId, sealed }: { id: string; webhookId: string; sealed: string },
): Promise<void> {
  await transaction.$executeRaw(sql`
    INSERT INTO webhook_secrets (id, webhook_id, sealed) VALUES (${id}, ${webhookId}, ${sealed})`);
}

/**
 * Ends the validity of the present secrets of an endpoint after `hours`, and returns when that is. Secrets that end
 * earlier keep their end. Deletes those that are no longer valid, and the oldest ones if there are too many.
 */
export async function expireWebhookSecrets(transaction: SqlExecutor, webhookId: string, hours: number): Promise<Date> {
  const [row] = await transaction.$queryRaw<{ validUntil: Date }[]>(sql`
    SELECT CURRENT_TIMESTAMP(3) + INTERVAL ${hours} HOUR AS validUntil`);
  const validUntil = row?.validUntil ?? new Date(0);
  await transaction.$executeRaw(sql`
    UPDATE webhook_secrets SET valid_until = ${validUntil}
    WHERE webhook_id = ${webhookId} AND (valid_until IS NULL OR valid_until > ${validUntil})`);
  await transaction.$executeRaw(sql`
    DELETE FROM webhook_secrets WHERE webhook_id = ${webhookId} AND valid_until <= CURRENT_TIMESTAMP(3)`);
  const secrets = await transaction.$queryRaw<{ id: string }[]>(sql`
    SELECT id FROM webhook_secrets WHERE webhook_id = ${webhookId} ORDER BY id DESC`);
  const surplus = secrets[VALID_SECRETS_MAX - 1];
  if (surplus !== undefined) {
    await transaction.$executeRaw(sql`
      DELETE FROM webhook_secrets WHERE webhook_id = ${webhookId} AND id <= ${surplus.id}`);
  }
  return validUntil;
}
