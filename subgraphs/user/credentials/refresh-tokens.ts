import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/** A secret that nobody can guess, 256 bits in base64url. */
export const newRefreshToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

/** What is stored in its place: SHA-256 in hexadecimal. A random secret needs neither salt nor a slow hash. */
export const hashRefreshToken = (token: string): string => createHash('sha256').update(token).digest('hex');
