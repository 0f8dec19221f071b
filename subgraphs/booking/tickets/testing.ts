import { generateKeyPairSync } from 'node:crypto';
import { parseConfig, publicKeySet, signingKey } from '#platform/process/config.ts';

/** Creates a key pair as the settings contain it. */
export function createTicketKeys(kid = 'test') {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const [own, published] = [privateKey, publicKey].map((key) => ({ ...key.export({ format: 'jwk' }), kid }));
  return parseConfig(
    { privateKey: signingKey, publicKeys: publicKeySet },
    { privateKey: JSON.stringify(own), publicKeys: JSON.stringify({ keys: [published] }) },
  );
}
