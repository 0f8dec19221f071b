import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseUrl, driverOptions } from './mysql.ts';
import { brokerConnection } from './nats.ts';
import { redisConnection } from './redis.ts';
import { AddressError } from './server-url.ts';

let folder: string;
let ca: string;
let noCertificate: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebs-connections-'));
  ca = join(folder, 'ca.pem');
  noCertificate = join(folder, 'no-certificate.pem');
  writeFileSync(ca, rootCertificates[0] ?? '');
  writeFileSync(noCertificate, 'nothing');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The error message for an address, or 'accepted'. */
function refusalOf(connect: () => unknown): string {
  try {
    connect();
  } catch (error) {
    if (error instanceof AddressError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('the address of a database', () => {
  const sslOf = (url: string) => driverOptions(url).ssl;

  it('allows plain connections and unverified server keys on this machine only', () => {
    for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]']) {
      expect(driverOptions(`mysql://u:p@${host}/db`)).toMatchObject({ allowPublicKeyRetrieval: true });
      expect(sslOf(`mysql://u:p@${host}/db`)).toBeUndefined();
    }
    const socket = driverOptions('mysql://u@localhost/db?socket=/run/mysqld.sock');
    expect(socket).toMatchObject({ socketPath: '/run/mysqld.sock', allowPublicKeyRetrieval: true });
    expect(driverOptions('mysql://u:p@[::1]:3307/db')).toMatchObject({ host: '::1', port: 3307 });
  });

  it('is encrypted for any other host, and does not request a key from it', () => {
    for (const host of ['db.internal', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', '[fd00::1]']) {
      const options = driverOptions(`mysql://u:p@${host}/db`);
      expect(options).toMatchObject({ allowPublicKeyRetrieval: false, ssl: { rejectUnauthorized: false } });
    }
  });

  it('sends host names in the TLS handshake, but no IP addresses', () => {
    expect(sslOf('mysql://u:p@db.internal/db')).toMatchObject({ servername: 'db.internal' });
    expect(sslOf('mysql://u:p@10.0.0.1/db')).not.toHaveProperty('servername');
  });

  it('verifies the certificate when an authority is given, also on this machine', () => {
    for (const host of ['localhost', 'db.internal']) {
      expect(sslOf(`mysql://u:p@${host}/db?ssl-ca=${ca}`)).toMatchObject({
        rejectUnauthorized: true,
        ca: expect.stringContaining('BEGIN CERTIFICATE'),
      });
    }
    expect(sslOf('mysql://u:p@db.internal/db?ssl-mode=verify-identity')).toMatchObject({ rejectUnauthorized: true });
    expect(sslOf('mysql://u:p@db.internal/db?ssl-mode=VERIFY_IDENTITY')).toMatchObject({ rejectUnauthorized: true });
  });

  it('refuses plain connections to another host', () => {
    expect(refusalOf(() => driverOptions('mysql://u:p@db.internal/db?ssl-mode=disabled'))).toContain(
      'this machine only',
    );
  });

  it.each([
    ['ssl-mode=preferred', 'ssl-mode must be one of disabled, required, verify-ca, verify-identity'],
    ['sslaccept=strict', 'unknown parameters: sslaccept'],
    ['sslmode=require', 'unknown parameters: sslmode'],
    ['ssl={"rejectUnauthorized":true}', 'unknown parameters: ssl;'],
    ['connection_limit=5', 'unknown parameters: connection_limit'],
    ['ssl-mode=verify-ca', 'needs ssl-ca'],
    ['ssl-ca=/nowhere/ca.pem', 'cannot be read (ENOENT)'],
    ['ssl-mode=required&ssl-ca=/nowhere/ca.pem', 'has no effect'],
  ])('refuses %s', (parameters, refusal) => {
    expect(refusalOf(() => driverOptions(`mysql://u:p@db.internal/db?${parameters}`))).toContain(refusal);
  });

  it('refuses a file without a certificate', () => {
    const url = `mysql://u:p@db.internal/db?ssl-ca=${noCertificate}`;
    expect(refusalOf(() => driverOptions(url))).toContain('without a certificate');
  });

  it('decodes percent-encoding, and reports missing percent-encoding without showing the password', () => {
    const options = driverOptions('mysql://u%40x:p%3Fs%23w%2F%25@db.internal/d%2Db');
    expect(options).toMatchObject({ user: 'u@x', password: 'p?s#w/%', database: 'd-b' });
    for (const password of ['12?secret', '12#secret', '12/secret', '%zzsecret']) {
      const refusal = refusalOf(() => driverOptions(`mysql://u:${password}@db.internal/db`));
      expect(refusal).toContain('percent-enc');
      expect(refusal).not.toContain('secret');
    }
  });

  it('is one URL, built from DATABASE_URL and the variables; DATABASE_URL takes precedence', () => {
    const parts = { MYSQL_HOST: 'fd00::1', MYSQL_PORT: 3307, MYSQL_USER: 'u', MYSQL_PASSWORD: 'p@:/?#%' };
    const whole = driverOptions(databaseUrl({ ...parts, MYSQL_DATABASE: 'db', MYSQL_SSL_CA: ca }));
    expect(whole).toMatchObject({ host: 'fd00::1', port: 3307, user: 'u', password: 'p@:/?#%', database: 'db' });
    expect(whole.ssl).toMatchObject({ rejectUnauthorized: true });

    const url = 'mysql://u:p@db.internal/own?ssl-mode=required';
    expect(
      driverOptions(databaseUrl({ ...parts, DATABASE_URL: url, MYSQL_SSL_MODE: 'verify-identity' })),
    ).toMatchObject({
      host: 'db.internal',
      database: 'own',
      ssl: { rejectUnauthorized: false },
    });
    expect(driverOptions(databaseUrl({ DATABASE_URL: 'mysql://u:p@h', MYSQL_DATABASE: 'db' })).database).toBe('db');
  });
});

describe('the address of the broker', () => {
  const connect = (NATS_URL: string, more = {}) => brokerConnection({ NATS_URL, ...more });

  it('accepts several servers with one account for all of them', () => {
    expect(connect('nats://u%40x:p%3A1%2F@a:4223, nats://b,nats://[::1]:4224')).toEqual({
      servers: ['a:4223', 'b:4222', '[::1]:4224'],
      user: 'u@x',
      pass: 'p:1/',
    });
    expect(connect('nats://t0ken@a')).toEqual({ servers: ['a:4222'], token: 't0ken' });
  });

  it('uses TLS for tls:// and when NATS_TLS_CA is set', () => {
    expect(connect('nats://a')).not.toHaveProperty('tls');
    expect(connect('nats://a,tls://b')).toMatchObject({ tls: { checkServerIdentity: expect.any(Function) } });
    expect(connect('nats://a', { NATS_TLS_CA: ca })).toMatchObject({ tls: { caFile: ca } });
  });

  it.each([
    ['tls://a', 'a', 'DNS:a', true],
    ['tls://a', 'a', 'DNS:b', false],
    ['tls://10.0.0.1', 'localhost', 'IP Address:10.0.0.1', true],
    ['tls://10.0.0.1', 'localhost', 'IP Address:10.0.0.2', false],
    ['tls://10.0.0.1', 'localhost', 'DNS:localhost', false],
    ['tls://localhost,tls://10.0.0.1', 'localhost', 'DNS:localhost', true],
  ])('accepts for %s, checked under the name %s, a certificate for %s: %s', (url, name, subjectaltname, holds) => {
    const { tls } = connect(url) as { tls: { checkServerIdentity(name: string, certificate: object): unknown } };
    expect(tls.checkServerIdentity(name, { subject: {}, subjectaltname }) === undefined).toBe(holds);
  });

  it.each([
    ['nats://u:secret@a,nats://v:secret@b', 'several accounts'],
    ['nats://:secret@a', 'without a user'],
    ['http://a', 'must be an address like nats://'],
    ['a:4222', 'must be an address like nats://'],
    ['nats://a?tls=true', 'without a path or parameters'],
    ['nats://u:12/secret@a', 'percent-encoded'],
  ])('refuses %s', (url, refusal) => {
    expect(refusalOf(() => connect(url))).toContain(refusal);
    expect(refusalOf(() => connect(url))).not.toContain('secret');
  });

  it('refuses files without the expected content, and two accounts', () => {
    expect(refusalOf(() => connect('nats://a', { NATS_CREDS: '/nowhere' }))).toContain('NATS_CREDS names a file');
    expect(refusalOf(() => connect('nats://a', { NATS_CREDS: noCertificate }))).toContain('without the credentials');
    expect(refusalOf(() => connect('nats://u:p@a', { NATS_CREDS: ca }))).toContain('NATS_CREDS is set');
    expect(refusalOf(() => connect('nats://a', { NATS_TLS_CA: noCertificate }))).toContain('without a certificate');
  });
});

describe('the address of Redis', () => {
  const connect = (REDIS_URL: string, REDIS_TLS_CA?: string) => redisConnection({ REDIS_URL, REDIS_TLS_CA });

  it('accepts a password, a user and the number of a database', () => {
    expect(connect('redis://:p%40ss@a:6380/7')).toEqual({ host: 'a', port: 6380, db: 7, password: 'p@ss' });
    expect(connect('redis://u:p@a')).toEqual({ host: 'a', port: 6379, db: 0, username: 'u', password: 'p' });
  });

  it('uses TLS for rediss://, with the name of the host in the handshake', () => {
    expect(connect('rediss://a.example', ca).tls).toMatchObject({ servername: 'a.example', ca: expect.any(String) });
    expect(connect('rediss://[fd00::1]').tls).toEqual({});
  });

  it.each([
    ['redis://u@a', 'a user without a password'],
    ['redis://a/users', 'the number of a database'],
    ['redis://a?tls=true', 'no parameters'],
    ['unix:///run/redis.sock', 'must be an address like redis://'],
  ])('refuses %s', (url, refusal) => {
    expect(refusalOf(() => connect(url))).toContain(refusal);
  });

  it('refuses REDIS_TLS_CA without TLS', () => {
    expect(refusalOf(() => connect('redis://a', ca))).toContain('rediss://');
  });
});
