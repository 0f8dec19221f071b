import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** The size that NIST SP 800-38D recommends. A random value repeats with negligible probability below 2^32 messages. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export type Sealer = ReturnType<typeof createSealer>;

/**
 * Encrypts short secrets in messages and tables, so that streams, databases, dead letters and backups do not contain
 * them. The first secret encrypts, and all of them decrypt, so that they can be rotated. Each secret becomes a key by HKDF
 * (RFC 5869).
 */
export function createSealer(secrets: readonly string[]) {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'sealed values', KEY_BYTES)));
  const [sealingKey] = keys;
  if (sealingKey === undefined) throw new Error('a sealer needs a secret');

  return {
    /** Encrypts a text, in base64url. It can be opened only with the same `context`, such as the id of its user or row. */
    seal(text: string, context: string): string {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, sealingKey, nonce).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return sealed.toString('base64url');
    },
    /** Decrypts a text. @throws Error when it was changed, or sealed for another context or with another secret */
    open(sealed: string, context: string): string {
      const bytes = Buffer.from(sealed, 'base64url');
      for (const key of keys) {
        try {
          return openWith(key, bytes, context);
        } catch {
          // Another secret may open it.
        }
      }
      throw new Error('the sealed value cannot be opened');
    },
  };
}

function openWith(key: Buffer, sealed: Buffer, context: string): string {
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  return decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
}
