import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export type SecretBox = ReturnType<typeof createSecretBox>;

/**
 * Encrypts secrets for the database with AES-256-GCM, which also detects changes. The first of the given keys encrypts,
 * all decrypt, so that a key can be replaced. The keys are texts with enough randomness. `owner` ties a sealed secret
 * to its row: in another row it cannot be opened.
 */
export function createSecretBox(keyTexts: readonly string[]) {
  const keys = keyTexts.map((text) => Buffer.from(hkdfSync('sha256', text, '', 'webhook secrets', KEY_BYTES)));
  const [first] = keys;
  if (first === undefined) throw new Error('a secret box needs a key');

  const openWith = (key: Buffer, sealed: Uint8Array, owner: string): string | undefined => {
    const tagAt = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(owner));
    decipher.setAuthTag(sealed.subarray(tagAt));
    const secret = decipher.update(sealed.subarray(NONCE_BYTES, tagAt));
    try {
      return Buffer.concat([secret, decipher.final()]).toString();
    } catch {
      // The tag does not match: another key sealed it.
      return undefined;
    }
  };

  return {
    seal(secret: string, owner: string): Uint8Array<ArrayBuffer> {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, first, nonce);
      cipher.setAAD(Buffer.from(owner));
      const sealed = Buffer.concat([nonce, cipher.update(secret), cipher.final()]);
      return new Uint8Array(Buffer.concat([sealed, cipher.getAuthTag()]));
    },
    /** @throws Error when no key opens it */
    open(sealed: Uint8Array, owner: string): string {
      for (const key of keys) {
        const secret = openWith(key, sealed, owner);
        if (secret !== undefined) return secret;
      }
      throw new Error('no key of WEBHOOK_SECRETS_KEY opens a secret of an endpoint');
    },
  };
}
