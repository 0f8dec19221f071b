import { createHash } from 'node:crypto';
import { ErrorCode, headers, type JsMsg, NatsError } from 'nats';
import { z } from 'zod';
import { type Broker, deadLetterStream } from './broker.ts';
import type { ReceivedMessage } from './message.ts';

/** The message type of dead letters for their consumer. */
export const DEAD_LETTER = 'dead-letter.v1';

/** A message that a consumer could not process. The payload is its unchanged body. */
export const deadLetter = z.object({
  consumer: z.string(),
  /** The subject on which it was published, without the broker's prefix. */
  subject: z.string(),
  payload: z.instanceof(Uint8Array),
  reason: z.string(),
  deliveries: z.int(),
});

const HEADERS = {
  consumer: 'Ebs-Consumer',
  subject: 'Ebs-Subject',
  reason: 'Ebs-Reason',
  deliveries: 'Ebs-Deliveries',
};
const MESSAGE_ID_HEADER = 'Nats-Msg-Id';
const REASON_CHARACTERS_MAX = 1_000;
/** More than the size of our headers. */
const HEADER_BYTES_MAX = 8_192;

/**
 * Publishes a message that a consumer could not process to the stream of dead letters. After a crash before the
 * original is acknowledged, it is published a second time with the same message id.
 */
export async function publishDeadLetter(
  broker: Broker,
  { consumer, message, reason }: { consumer: string; message: JsMsg; reason: string },
): Promise<void> {
  await broker.requireRoom(deadLetterStream);
  const { client } = await broker.jetStream();
  const about = headers();
  about.set(HEADERS.consumer, consumer);
  about.set(HEADERS.subject, broker.type(message.subject));
  about.set(HEADERS.reason, reason.replaceAll(/\s+/g, ' ').slice(0, REASON_CHARACTERS_MAX));
  about.set(HEADERS.deliveries, String(message.info.deliveryCount));
  const to = broker.subject(`dead-letters.${consumer}`);
  const options = { headers: about, msgID: identityOf(consumer, message) };
  try {
    await client.publish(to, message.data, options);
  } catch (error) {
    if (!(error instanceof NatsError && error.code === ErrorCode.MaxPayloadExceeded)) throw error;
    // The body is so large that the headers do not fit into the broker's limit. The end of the body is cut off.
    await client.publish(to, message.data.subarray(0, -HEADER_BYTES_MAX), options);
  }
}

/** Reads a dead letter. It never throws: missing or malformed headers yield empty values. */
export function parseDeadLetter(message: JsMsg): ReceivedMessage<z.output<typeof deadLetter>> {
  const about = (name: keyof typeof HEADERS) => message.headers?.get(HEADERS[name]) ?? '';
  return {
    id: message.headers?.get(MESSAGE_ID_HEADER) || identityOf('', message),
    type: DEAD_LETTER,
    subject: about('subject'),
    time: new Date(message.info.timestampNanos / 1e6),
    correlationId: undefined,
    data: {
      consumer: about('consumer'),
      subject: about('subject'),
      payload: new Uint8Array(message.data),
      reason: about('reason'),
      deliveries: Number.parseInt(about('deliveries'), 10) || 0,
    },
  };
}

/**
 * Returns the id of a dead letter. It is the same for every delivery of a message to a consumer. It differs after a
 * redrive and in a recreated stream.
 */
const identityOf = (consumer: string, { info: { stream, streamSequence, timestampNanos } }: JsMsg) =>
  createHash('sha256').update([consumer, stream, streamSequence, timestampNanos].join()).digest('base64url');
