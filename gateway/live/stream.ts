import type { ServerResponse } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';
import type { LiveSettings } from '../config.ts';
import type { Protocol } from './protocols.ts';

/** Why a stream has ended. */
export type EndReason = 'client' | 'slow' | 'age' | 'idle' | 'token_expired' | 'stopping' | 'schema_changed';

/** An answer as each protocol writes it. It is encoded once for all streams. */
export type Frame = (protocol: Protocol) => Buffer;

export type Stream = ReturnType<typeof createStream>;

/** A client that does not read the end of its stream is disconnected after this time. */
const END_TIMEOUT_MS = 5_000;

/** Creates the frame of a GraphQL response, which is JSON on one line. */
export function createFrame(json: string): Frame {
  const encoded = new Map<Protocol, Buffer>();
  return (protocol) => {
    const known = encoded.get(protocol) ?? Buffer.from(protocol.next(json));
    encoded.set(protocol, known);
    return known;
  };
}

/**
 * Writes the answers of a subscription to a client. The stream ends by itself when the client is gone or does not read
 * fast enough. `check` sends heartbeats, and ends a stream that is too old or whose token has expired. It returns when it
 * must be called again. Times are milliseconds on the clock of Date.now().
 */
export function createStream({
  raw,
  protocol,
  settings,
  expiresAtMs,
  onEnd,
}: {
  /** The response, whose head is already written. */
  raw: ServerResponse;
  protocol: Protocol;
  settings: LiveSettings;
  /** When the token expires. */
  expiresAtMs: number;
  onEnd: (reason: EndReason) => void;
}) {
  const openedAtMs = Date.now();
  let [updatedAtMs, writtenAtMs] = [openedAtMs, openedAtMs];
  let isOpen = true;

  function finish(reason: EndReason): boolean {
    if (!isOpen) return false;
    isOpen = false;
    onEnd(reason);
    return true;
  }

  function write(data: string | Buffer): void {
    if (!isOpen) return;
    if (raw.writableLength + data.length > settings.LIVE_BUFFER_BYTES_MAX) {
      finish('slow');
      raw.destroy();
      return;
    }
    writtenAtMs = Date.now();
    raw.write(data);
  }

  /** Ends the stream: completely, so that the client may subscribe again, or with an error. */
  function end(reason: EndReason, error?: GraphQLFormattedError): void {
    if (!finish(reason)) return;
    raw.end(protocol.end(error));
    const timer = setTimeout(() => raw.destroy(), END_TIMEOUT_MS).unref();
    raw.once('close', () => clearTimeout(timer));
  }

  raw.once('close', () => finish('client'));
  write(protocol.start);
  return {
    send(frame: Frame): void {
      updatedAtMs = Date.now();
      write(frame(protocol));
    },
    check(nowMs: number, expired: () => GraphQLFormattedError): number {
      const oldAtMs = openedAtMs + settings.LIVE_AGE_SECONDS_MAX * 1_000;
      const idleAtMs = updatedAtMs + settings.LIVE_IDLE_SECONDS_MAX * 1_000;
      if (nowMs >= expiresAtMs) end('token_expired', expired());
      else if (nowMs >= oldAtMs) end('age');
      else if (nowMs >= idleAtMs) end('idle');
      else if (nowMs >= writtenAtMs + settings.LIVE_HEARTBEAT_MS) write(protocol.heartbeat);
      return Math.min(expiresAtMs, oldAtMs, idleAtMs, writtenAtMs + settings.LIVE_HEARTBEAT_MS);
    },
    end,
  };
}
