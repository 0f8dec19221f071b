/** The alphabet of RFC 4648. QR codes store these characters in 5.5 bits each. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BITS = 5;

/** Returns the bytes in base32. The number of bytes is a multiple of 5, so there is no padding. */
export function toBase32(bytes: Uint8Array): string {
  let [text, rest, bits] = ['', 0, 0];
  for (const byte of bytes) {
    rest = (rest << 8) | byte;
    for (bits += 8; bits >= BITS; bits -= BITS) text += ALPHABET[(rest >>> (bits - BITS)) & 31];
    rest &= 31;
  }
  return text;
}

/** Returns the bytes of a text of this alphabet. Its length is a multiple of 8. Undefined for any other text. */
export function fromBase32(text: string): Buffer | undefined {
  if (text.length % 8 !== 0) return undefined;
  const bytes: number[] = [];
  let [rest, bits] = [0, 0];
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value === -1) return undefined;
    rest = (rest << BITS) | value;
    bits += BITS;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((rest >>> bits) & 255);
    rest &= 255;
  }
  return Buffer.from(bytes);
}
