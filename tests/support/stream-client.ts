import { expect } from 'vitest';
import type { Client } from './client.ts';

const WAIT = { timeout: 20_000, interval: 20 };

// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its answers
type StreamAnswer = { data?: any; errors?: { extensions: { code: string } }[]; extensions?: { paused?: boolean } };

/** A subscription that a test reads. */
export interface TestStream {
  readonly status: number;
  /** The answers so far. An error of the stream itself is the last one, without data. */
  readonly answers: readonly StreamAnswer[];
  readonly heartbeats: () => number;
  /** True when the server has ended the stream as the protocol says. */
  readonly isComplete: () => boolean;
  /** True when the connection is closed. */
  readonly isClosed: () => boolean;
  /** Waits until the newest answer contains this object. */
  latest(expected: object): Promise<void>;
  close(): void;
}

const ACCEPT = {
  sse: 'text/event-stream',
  multipart: 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0", application/json',
};
export type StreamProtocol = keyof typeof ACCEPT;

/** Opens a subscription, also one that is refused. */
export async function subscribe(
  { accessToken }: Pick<Client, 'accessToken'>,
  query: string,
  { url, variables = {}, protocol = 'sse' }: { url: string; variables?: object; protocol?: StreamProtocol },
): Promise<TestStream> {
  const cut = new AbortController();
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: ACCEPT[protocol],
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query, variables }),
    signal: cut.signal,
  });
  const answers: StreamAnswer[] = [];
  let [text, heartbeats, isComplete, isClosed] = ['', 0, false, false];

  /** Takes the complete parts out of the text. */
  function readParts(): void {
    const separator = protocol === 'sse' ? '\n\n' : '\r\n--graphql';
    const parts = text.split(separator);
    text = parts.pop() ?? '';
    if (protocol === 'multipart' && text.startsWith('--')) isComplete = true;
    for (const part of parts) (protocol === 'sse' ? readEvent : readPart)(part);
  }
  function readEvent(part: string): void {
    if (part.startsWith(':')) heartbeats += 1;
    else if (part.startsWith('event: complete')) isComplete = true;
    else answers.push(JSON.parse(part.replace('event: next\ndata: ', '')));
  }
  function readPart(part: string): void {
    if (part === '') return;
    const { payload, errors } = JSON.parse(part.replace('\r\ncontent-type: application/json\r\n\r\n', ''));
    if (payload === undefined) heartbeats += 1;
    else answers.push(payload ?? { errors });
  }

  async function read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (response.status === 200) readParts();
    }
    if (response.status !== 200) answers.push(JSON.parse(text));
  }
  read()
    .catch(() => undefined)
    .finally(() => {
      isClosed = true;
    });

  return {
    status: response.status,
    answers,
    heartbeats: () => heartbeats,
    isComplete: () => isComplete,
    isClosed: () => isClosed,
    latest: (expected) => expect.poll(() => answers.at(-1), WAIT).toMatchObject(expected),
    close: () => cut.abort(),
  };
}
