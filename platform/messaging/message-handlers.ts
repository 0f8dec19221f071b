import type { JsMsg } from 'nats';
import type { z } from 'zod';
import type { SqlClient, SqlExecutor } from '../database/database.ts';
import { recordInInbox } from './inbox.ts';
import type { ReceivedMessage } from './message.ts';

/** Handles one version of one message: its schema, and its effect within the inbox's transaction. */
export interface MessageHandler {
  readonly schema: z.ZodType;
  apply(transaction: SqlExecutor, messages: readonly ReceivedMessage<never>[]): Promise<void>;
}

/** Handlers by message type and version, such as `user.registered.v1`. */
export type MessageHandlers = Readonly<Record<string, MessageHandler>>;

/** Ties a handler's effect to the type of its schema. The effect must not depend on the order of messages. */
export const onMessage = <Schema extends z.ZodType>(
  schema: Schema,
  apply: (transaction: SqlExecutor, messages: readonly ReceivedMessage<z.output<Schema>>[]) => Promise<void>,
): MessageHandler => ({ schema, apply });

/** Reads a message for its handler. @throws when it does not match its schema, or when it has no handler */
export function readFor(
  handlers: MessageHandlers,
  parse: (message: JsMsg) => ReceivedMessage<unknown>,
  message: JsMsg,
): ReceivedMessage<unknown> {
  const content = parse(message);
  const handler = Object.hasOwn(handlers, content.type) ? handlers[content.type] : undefined;
  if (handler === undefined) throw new Error(`no handler for ${content.type}`);
  return { ...content, data: handler.schema.parse(content.data) };
}

/** Applies messages in one transaction with their inbox rows. Messages that are already in the inbox have no effect. */
export async function applyOnce(
  database: SqlClient,
  { consumer, handlers }: { consumer: string; handlers: MessageHandlers },
  contents: readonly ReceivedMessage<unknown>[],
): Promise<void> {
  await database.$transaction(async (transaction) => {
    const fresh = await recordInInbox(transaction, consumer, [...new Set(contents.map(({ id }) => id))]);
    for (const [type, handler] of Object.entries(handlers)) {
      const messages = contents.filter((one) => one.type === type && fresh.delete(one.id));
      if (messages.length > 0) await handler.apply(transaction, messages as ReceivedMessage<never>[]);
    }
  });
}
