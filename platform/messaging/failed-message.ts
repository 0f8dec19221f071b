import type { JsMsg } from 'nats';
import type { Logger } from '../process/logger.ts';
import { type Broker, deadLetterStream, type StreamDefinition } from './broker.ts';
import { publishDeadLetter } from './dead-letter.ts';

/** The pause before each further delivery of a message that failed. */
export const RETRY_DELAYS_MS = [1_000, 5_000, 30_000, 120_000];
const NO_DEAD_LETTER_RETRY_MS = 5_000;

/**
 * Creates a function that answers the broker for a failed message. The message is delivered again after each of
 * `retryDelaysMs` and then becomes a dead letter. A dead letter that fails is retried without limit.
 */
export function createFailureHandling({
  consumer,
  stream,
  retryDelaysMs,
  broker,
  logger,
  onDeadLetter,
}: {
  consumer: string;
  stream: StreamDefinition;
  retryDelaysMs: readonly number[];
  broker: Broker;
  logger: Logger;
  onDeadLetter: () => void;
}) {
  return async (message: JsMsg, error: unknown): Promise<void> => {
    const { deliveryCount } = message.info;
    const about = { err: error, consumer, subject: message.subject, deliveries: deliveryCount };
    if (deliveryCount <= retryDelaysMs.length || stream === deadLetterStream) {
      logger.warn(about, 'message failed; it is tried again');
      return message.nak(retryDelaysMs[deliveryCount - 1] ?? retryDelaysMs.at(-1));
    }
    const reason = error instanceof Error ? error.message : String(error);
    try {
      await publishDeadLetter(broker, { consumer, message, reason });
    } catch (publishError) {
      logger.warn({ ...about, err: publishError }, 'no dead letter could be stored; the message is tried again');
      return message.nak(NO_DEAD_LETTER_RETRY_MS);
    }
    onDeadLetter();
    logger.error(about, 'dead letter');
    message.term();
  };
}
