import { randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;

/** Creates a secret in the form of Standard Webhooks, which recommends 24 to 64 random bytes. */
export const createWebhookSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
