import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { DEVELOPMENT_PREFIX } from '#platform/process/config.ts';
import { eachOf, SUBGRAPHS, type SubgraphName } from '#services';

/** What a system's parts prove themselves with. */
export interface Secrets {
  /** Signs access tokens; Ed25519, with its key id. */
  privateKey: JWK;
  publicKeys: { keys: JWK[] };
  /** The gateway's proof, one for each subgraph. */
  subgraphs: Record<SubgraphName, string>;
  /** Passwords of the private database server's accounts. */
  databases: Record<SubgraphName | 'admin', string>;
}

/** The secrets of a data folder, which production refuses; made when there are none yet, readable by their owner only. */
export async function loadSecrets(dataDir: string): Promise<Secrets> {
  const folder = join(dataDir, 'keys');
  const file = join(folder, 'secrets.json');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify(await createSecrets(DEVELOPMENT_PREFIX), null, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Fresh secrets; the services' are marked by what they begin with. */
export async function createSecrets(prefix: string): Promise<Secrets> {
  const secret = () => randomBytes(32).toString('hex');
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const publicKey = await exportJWK(pair.publicKey);
  const shared = { kid: prefix + (await calculateJwkThumbprint(publicKey)), alg: 'EdDSA', use: 'sig' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...shared },
    publicKeys: { keys: [{ ...publicKey, ...shared }] },
    subgraphs: eachOf(SUBGRAPHS, () => prefix + secret()),
    databases: eachOf([...SUBGRAPHS, 'admin'] as const, secret),
  };
}
