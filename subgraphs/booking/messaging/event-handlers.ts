import { type MessageHandler, onMessage } from '#platform/messaging/message-handlers.ts';
import { eventMessages } from '../../event/messaging/contract.ts';
import { saveEventSnapshots } from '../store/inventories.ts';

/** Update the inventories from event messages. Each message contains the event's whole state. */
export const eventHandlers = Object.fromEntries(
  Object.entries(eventMessages).map(([type, schema]) => [
    type,
    onMessage(schema, (transaction, messages) =>
      saveEventSnapshots(
        transaction,
        messages.map(({ data, correlationId }) => ({ ...data, correlationId })),
      ),
    ),
  ]),
) satisfies Record<string, MessageHandler>;
