import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const HASH = 'sha256';
const KEY_BYTES = 32;
const NUMBER_BYTES = 8;
const EXPIRY_BYTES = 4;
const SIGNED_BYTES = NUMBER_BYTES + EXPIRY_BYTES;
const SIGNATURE_BYTES = 16;
const FORM = /^[\w-]{38}$/;

/** Whose place it is, and in which line. */
export interface PlaceOwner {
  readonly eventId: string;
  readonly userId: string;
}

export type Places = ReturnType<typeof createPlaces>;

/**
 * Signs places in lines. A place is 38 characters: a number, the time of its expiry in seconds and an HMAC over both,
 * the event and the user. The first secret signs, and all of them are accepted, so that they can be rotated. Each
 * secret becomes a key by HKDF (RFC 5869).
 */
export function createPlaces(secrets: readonly string[], { lifeS }: { lifeS: number }) {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync(HASH, secret, '', 'places in lines', KEY_BYTES)));
  const [signingKey] = keys;
  if (signingKey === undefined) throw new Error('places need a secret');

  return {
    sign(number: number, owner: PlaceOwner): string {
      const signed = Buffer.alloc(SIGNED_BYTES);
      signed.writeBigUInt64BE(BigInt(number));
      signed.writeUInt32BE(Math.floor(Date.now() / 1_000) + lifeS, NUMBER_BYTES);
      return Buffer.concat([signed, signatureOf(signingKey, signed, owner)]).toString('base64url');
    },
    /** Returns the number of a place; undefined if it was not signed here for this owner, or has expired. */
    read(place: string, owner: PlaceOwner): number | undefined {
      if (!FORM.test(place)) return undefined;
      const bytes = Buffer.from(place, 'base64url');
      const [signed, signature] = [bytes.subarray(0, SIGNED_BYTES), bytes.subarray(SIGNED_BYTES)];
      if (!keys.some((key) => timingSafeEqual(signatureOf(key, signed, owner), signature))) return undefined;
      const isLive = signed.readUInt32BE(NUMBER_BYTES) * 1_000 > Date.now();
      return isLive ? Number(signed.readBigUInt64BE()) : undefined;
    },
  };
}

/** Ids contain no line breaks, so that the parts cannot be confused. */
const signatureOf = (key: Buffer, signed: Buffer, { eventId, userId }: PlaceOwner): Buffer =>
  createHmac(HASH, key).update(`${eventId}\n${userId}\n`).update(signed).digest().subarray(0, SIGNATURE_BYTES);
