import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { DEVELOPMENT_PREFIX } from '#platform/process/config.ts';
import { eachOf, SUBGRAPHS, type SubgraphName } from '#services';

/** An Ed25519 key with a key id, and the set that contains its public key. */
interface SigningKeys {
  privateKey: JWK;
  publicKeys: { keys: JWK[] };
}

/** The keys, shared secrets and passwords of a local system. The keys at the top sign access tokens. */
export interface Secrets extends SigningKeys {
  /** They sign tickets. */
  tickets: SigningKeys;
  /** The secrets that the gateway sends, one for each subgraph. */
  subgraphs: Record<SubgraphName, string>;
  /** Encrypts tokens between the user and the notification subgraph. */
  accountMails: string;
  /** Encrypts the secrets of webhooks in the database. */
  webhooks: string;
  /** Passwords of the private database server's accounts. */
  databases: Record<SubgraphName | 'admin', string>;
}

/** Returns a data folder's secrets, created if missing, readable only by their owner. Production refuses them. */
export async function loadSecrets(dataDir: string): Promise<Secrets> {
  const folder = join(dataDir, 'keys');
  const file = join(folder, 'secrets.json');
  const kept: Partial<Secrets> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const created = await createSecrets(DEVELOPMENT_PREFIX);
  const secrets = { ...created, ...kept };
  // The file is missing, or an earlier release wrote it.
  if (Object.keys(created).some((name) => !(name in kept))) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify(secrets, null, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return secrets;
}

/** Creates new secrets. The key id and the secrets of the services begin with the prefix. */
export async function createSecrets(prefix: string): Promise<Secrets> {
  const secret = () => randomBytes(32).toString('hex');
  return {
    ...(await createSigningKeys(prefix)),
    tickets: await createSigningKeys(prefix),
    subgraphs: eachOf(SUBGRAPHS, () => prefix + secret()),
    accountMails: prefix + secret(),
    webhooks: prefix + secret(),
    databases: eachOf([...SUBGRAPHS, 'admin'] as const, secret),
  };
}

async function createSigningKeys(prefix: string): Promise<SigningKeys> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const publicKey = await exportJWK(pair.publicKey);
  const shared = { kid: prefix + (await calculateJwkThumbprint(publicKey)), alg: 'EdDSA', use: 'sig' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...shared },
    publicKeys: { keys: [{ ...publicKey, ...shared }] },
  };
}
