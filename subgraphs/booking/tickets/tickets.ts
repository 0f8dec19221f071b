import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { PrivateKey, PublicKeys } from '#platform/process/config.ts';
import { fromBase32, toBase32 } from './base32.ts';

/** What a ticket says: the seats of a booking for an event. */
export interface TicketFacts {
  readonly bookingId: string;
  readonly eventId: string;
  readonly seatCount: number;
}

/** A public key that verifies tickets. */
export interface TicketKey {
  /** The first 6 bytes of the SHA-256 of the public key, in hexadecimal digits. The code of a ticket contains them. */
  readonly id: string;
  /** The 32 bytes of the Ed25519 key, in base64url. */
  readonly publicKey: string;
}

export type Tickets = ReturnType<typeof createTickets>;

/** docs/tickets.md describes the format. */
const VERSION = 1;
const KEY_ID_BYTES = 6;
const ID_BYTES = 16;
const KEY_ID_AT = 1;
const BOOKING_AT = KEY_ID_AT + KEY_ID_BYTES;
const EVENT_AT = BOOKING_AT + ID_BYTES;
const SEATS_AT = EVENT_AT + ID_BYTES;
const SIGNATURE_AT = SEATS_AT + 2;
const BYTES = SIGNATURE_AT + 64;
/** The number of characters of a code. */
export const CODE_LENGTH = (BYTES * 8) / 5;

/**
 * Signs and verifies the codes of tickets with Ed25519. A code is derived from its booking and the private key: the same
 * booking always has the same code, and nothing is stored. A code verifies as long as its public key is published.
 */
export function createTickets({ privateKey, publicKeys }: { privateKey: PrivateKey; publicKeys: PublicKeys }) {
  const { kty, crv, x, d } = privateKey;
  const ownKey = createPrivateKey({ format: 'jwk', key: { kty, crv, x, d } });
  const ownKeyId = keyIdOf(x);
  const keys: readonly TicketKey[] = publicKeys.keys.map((key) => ({ id: keyIdOf(key.x), publicKey: key.x }));
  const verifiers = new Map(
    publicKeys.keys.map(({ kty, crv, x }) => [keyIdOf(x), createPublicKey({ format: 'jwk', key: { kty, crv, x } })]),
  );

  return {
    /** The published keys. */
    keys,
    /** Returns the code of a booking's ticket: CODE_LENGTH characters from A to Z and 2 to 7. */
    codeOf({ bookingId, eventId, seatCount }: TicketFacts): string {
      const bytes = Buffer.alloc(BYTES);
      bytes[0] = VERSION;
      bytes.write(ownKeyId, KEY_ID_AT, 'hex');
      bytes.write(bookingId.replaceAll('-', ''), BOOKING_AT, 'hex');
      bytes.write(eventId.replaceAll('-', ''), EVENT_AT, 'hex');
      bytes.writeUInt16BE(seatCount, SEATS_AT);
      sign(null, bytes.subarray(0, SIGNATURE_AT), ownKey).copy(bytes, SIGNATURE_AT);
      return toBase32(bytes);
    },
    /** Returns what a code says. Undefined when it is not the code of a ticket that a published key has signed. */
    read(code: string): TicketFacts | undefined {
      const bytes = fromBase32(code);
      if (bytes?.length !== BYTES || bytes[0] !== VERSION) return undefined;
      const key = verifiers.get(bytes.toString('hex', KEY_ID_AT, BOOKING_AT));
      const signed = bytes.subarray(0, SIGNATURE_AT);
      if (key === undefined || !verify(null, signed, key, bytes.subarray(SIGNATURE_AT))) return undefined;
      return {
        bookingId: idAt(bytes, BOOKING_AT),
        eventId: idAt(bytes, EVENT_AT),
        seatCount: bytes.readUInt16BE(SEATS_AT),
      };
    },
  };
}

const keyIdOf = (x: string): string =>
  createHash('sha256').update(Buffer.from(x, 'base64url')).digest().toString('hex', 0, KEY_ID_BYTES);

const idAt = (bytes: Buffer, start: number): string =>
  bytes.toString('hex', start, start + ID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
