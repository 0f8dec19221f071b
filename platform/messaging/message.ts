import { z } from 'zod';

/**
 * The serialized form of a message: CloudEvents 1.0 in JSON,
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 * with the extension for distributed tracing
 */
export const envelope = z.looseObject({
  specversion: z.literal('1.0'),
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/)
    .describe('The id of the message, a UUIDv7. Consumers use it to detect duplicates'),
  source: z.string().min(1).describe('The subgraph that publishes it'),
  type: z
    .string()
    .regex(/^[a-z-]+(\.[a-z-]+)+\.v\d+$/)
    .describe('Name and version; also the subject on which it is published'),
  subject: z.string().min(1).describe('The id of the object that the message is about'),
  time: z.iso.datetime().describe('When it happened'),
  datacontenttype: z.literal('application/json'),
  correlationid: z.string().optional().describe('The request that caused it'),
  traceparent: z.string().optional().describe('The trace of this request, if it is traced'),
  data: z.unknown().describe('The content, which depends on the type'),
});

/** The header of a message that names the step which published it. */
export const TRACEPARENT_HEADER = 'traceparent';

/** A message that a consumer receives. */
export interface ReceivedMessage<Data> {
  /** The id of the message for the broker and every inbox: 1 to 64 visible ASCII characters. */
  readonly id: string;
  /** Name and version, such as booking.confirmed.v1. */
  readonly type: string;
  /** The id of the object that the message is about. */
  readonly subject: string;
  readonly time: Date;
  /** The id of the request that caused the message. */
  readonly correlationId: string | undefined;
  /** The trace context of the step that caused the message, if it is traced. */
  readonly traceparent?: string | undefined;
  readonly data: Data;
}

/** A message that a subgraph publishes, on its type as the subject. Its id is a UUIDv7. The outbox adds the envelope. */
export interface OutgoingMessage extends ReceivedMessage<unknown> {
  readonly correlationId: string;
}

/** Serializes a message with its envelope as JSON text. */
export function serializeMessage(source: string, message: OutgoingMessage): string {
  return JSON.stringify({
    specversion: '1.0',
    id: message.id,
    source,
    type: message.type,
    subject: message.subject,
    time: message.time.toISOString(),
    datacontenttype: 'application/json',
    correlationid: message.correlationId,
    traceparent: message.traceparent,
    data: message.data,
  } satisfies z.input<typeof envelope>);
}

/**
 * Parses the body of a message. Its data is not checked.
 * @throws Error when the body is not JSON or has no valid envelope
 */
export function parseMessage(body: Uint8Array): ReceivedMessage<unknown> {
  const { id, type, subject, time, correlationid, data } = envelope.parse(parseJson(body));
  return { id, type, subject, time: new Date(time), correlationId: correlationid, data };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    // The error has no cause, because the cause quotes the body, and personal data must not be logged.
    throw new Error('the body is not JSON');
  }
}
