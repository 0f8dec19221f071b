import { z } from 'zod';

/**
 * A message as it travels: CloudEvents 1.0 in JSON,
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export const envelope = z.looseObject({
  specversion: z.literal('1.0'),
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/)
    .describe('The message’s identity, a UUIDv7: a consumer has had it, or has not'),
  source: z.string().min(1).describe('The subgraph that publishes it'),
  type: z
    .string()
    .regex(/^[a-z-]+(\.[a-z-]+)+\.v\d+$/)
    .describe('Name and version; also the subject it is published on'),
  subject: z.string().min(1).describe('The id of what it is about'),
  time: z.iso.datetime().describe('When it happened'),
  datacontenttype: z.literal('application/json'),
  correlationid: z.string().optional().describe('The request that caused it'),
  data: z.unknown().describe('What the type says'),
});

/** What a subgraph has to say; the outbox wraps it in the envelope. */
export interface OutgoingMessage {
  /** A UUIDv7: the message's identity for the broker and for every inbox. */
  readonly id: string;
  /** Name and version, like booking.confirmed.v1; also the subject it is published on. */
  readonly type: string;
  /** The id of what the message is about. */
  readonly subject: string;
  readonly time: Date;
  /** The request that caused it. */
  readonly correlationId: string;
  readonly data: unknown;
}

/** A message as a consumer gets it. */
export interface ReceivedMessage<Data> {
  /** The message's identity for the inbox: 1 to 64 visible ASCII characters. */
  readonly id: string;
  /** Name and version. */
  readonly type: string;
  readonly subject: string;
  readonly time: Date;
  readonly correlationId: string | undefined;
  readonly data: Data;
}

/** The message in its envelope, as JSON text. */
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
    data: message.data,
  } satisfies z.input<typeof envelope>);
}

/** The message that a body holds; its data is not checked yet. @throws when it is not a message in its envelope */
export function parseMessage(body: Uint8Array): ReceivedMessage<unknown> {
  const { id, type, subject, time, correlationid, data } = envelope.parse(parseJson(body));
  return { id, type, subject, time: new Date(time), correlationId: correlationid, data };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    // Without its cause: that quotes the body, which may hold what no log should.
    throw new Error('the body is not JSON');
  }
}
