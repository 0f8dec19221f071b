import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { currentTraceparent } from '../clients/deadline.ts';
import type { SqlExecutor } from '../database/database.ts';
import { type OutgoingMessage, serializeMessage } from '../messaging/message.ts';

/**
 * Writes messages to the outbox, in the transaction that makes the change that they report. The change and its messages
 * are committed together or not at all.
 */
export async function appendToOutbox(
  transaction: SqlExecutor,
  source: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  for (const statement of outboxStatements(source, messages)) await transaction.$executeRaw(statement);
}

/** Returns the statements that write messages to the outbox. See appendToOutbox. */
export function outboxStatements(source: string, messages: readonly OutgoingMessage[]): Sql[] {
  if (messages.length === 0) return [];
  const rows = messages.map((message) => ({
    id: message.id,
    subject: message.type,
    payload: serializeMessage(source, { traceparent: currentTraceparent(), ...message }),
  }));
  return [
    sql`
    INSERT INTO outbox (id, subject, payload)
    SELECT id, subject, payload FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.id',
      subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.subject',
      payload LONGTEXT PATH '$.payload'
    )) AS message`,
  ];
}
