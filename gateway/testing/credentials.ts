import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Role } from '#platform/identity/identity.ts';
import { perSubgraph } from '#services';

const keyPair = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
const publicKeys = { keys: [{ ...(await exportJWK(keyPair.publicKey)), kid: 'test', alg: 'EdDSA' }] };

/** The environment variables that the gateway requires. */
export const requiredEnv = {
  JWT_PUBLIC_KEYS: JSON.stringify(publicKeys),
  ...perSubgraph('SECRET', proofOf),
};

/** Returns the secret that the gateway sends to a subgraph. */
export function proofOf(name: string): string {
  return `proof-for-${name}-in-tests`;
}

/** Creates an access token that the gateway accepts. */
export const createToken = (role: Role = 'USER') =>
  new SignJWT({ role })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
    .setSubject('019ac000-0000-7000-8000-000000000001')
    .setIssuer('event-booking-system')
    .setAudience('event-booking-system')
    .setExpirationTime('5m')
    .sign(keyPair.privateKey);
