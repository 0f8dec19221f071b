import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/** Returns a random secret of 256 bits in base64url. */
export const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

/** Returns the SHA-256 hash to store, in hexadecimal. A random secret needs no salt or slow hash. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');
