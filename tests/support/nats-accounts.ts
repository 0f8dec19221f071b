import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from 'nats';

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** Returns a JSON Web Token of NATS. An operator signs account tokens, and an account signs user tokens. */
function tokenOf(name: string, subject: KeyPair, claims: object, issuer: KeyPair): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claim = { jti: name, iat: Math.floor(Date.now() / 1_000), iss: issuer.getPublicKey(), name };
  const body = [
    encode({ typ: 'JWT', alg: 'ed25519-nkey' }),
    encode({ ...claim, sub: subject.getPublicKey(), nats: { version: 2, ...claims } }),
  ].join('.');
  return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
}

/** Creates an operator with one account, the settings of a server that trusts them, and a user's credentials file. */
export function createNatsAccounts(folder: string) {
  const [operator, account, system] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const unlimited = -1;
  const limits = {
    ...{
      subs: unlimited,
      data: unlimited,
      payload: unlimited,
      imports: unlimited,
      exports: unlimited,
      wildcards: true,
    },
    ...{ conn: unlimited, leaf: unlimited, mem_storage: unlimited, disk_storage: unlimited },
    ...{ streams: unlimited, consumer: unlimited },
  };
  const accountToken = (name: string, pair: KeyPair, more = {}) =>
    tokenOf(name, pair, { type: 'account', limits: { ...limits, ...more } }, operator);
  const file = join(folder, 'user.creds');
  return {
    settings: {
      operator: tokenOf('operator', operator, { type: 'operator' }, operator),
      system_account: system.getPublicKey(),
      resolver: 'MEMORY',
      resolver_preload: {
        [account.getPublicKey()]: accountToken('account', account),
        [system.getPublicKey()]: accountToken('system', system, { mem_storage: 0, disk_storage: 0 }),
      },
    },
    file,
    /** Writes the file for a new user of the account, or of an unknown account. Returns the seed of the user. */
    writeUser({ known = true } = {}) {
      const user = nkeys.createUser();
      const token = tokenOf(
        'user',
        user,
        { type: 'user', subs: -1, data: -1, payload: -1 },
        known ? account : nkeys.createAccount(),
      );
      const section = (title: string, text: string) => `-----BEGIN ${title}-----\n${text}\n------END ${title}------\n`;
      const seed = new TextDecoder().decode(user.getSeed());
      writeFileSync(file, `${section('NATS USER JWT', token)}\n${section('USER NKEY SEED', seed)}`);
      return seed;
    },
  };
}
