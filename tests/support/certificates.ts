import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate authority for tests. */
export interface Authority {
  /** The path of its certificate. */
  readonly file: string;
  /** Issues a certificate for one host. Returns it and its private key, as file paths and as text. */
  issue(host: string): Promise<{ certFile: string; keyFile: string; cert: string; key: string }>;
}

export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const file = join(folder, `${name}.pem`);
  const authority = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  writeFileSync(file, authority.cert);
  return {
    file,
    async issue(host) {
      const isAddress = /^[\d.]+$/.test(host);
      const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
        keyType: 'ec',
        algorithm: 'sha256',
        ca: { key: authority.private, cert: authority.cert },
        extensions: [
          { name: 'extKeyUsage', serverAuth: true },
          { name: 'subjectAltName', altNames: [isAddress ? { type: 7, ip: host } : { type: 2, value: host }] },
        ],
      });
      const [certFile, keyFile] = [join(folder, `${name}-${host}.pem`), join(folder, `${name}-${host}.key`)];
      writeFileSync(certFile, cert);
      writeFileSync(keyFile, key);
      return { certFile, keyFile, cert, key };
    },
  };
}
