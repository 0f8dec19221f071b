import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabasePool } from '#platform/database/database.ts';
import { applyMigrations, openConnection } from '#platform/database/migrations.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { root } from '#scripts/local/settings.ts';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { startDatabase } from '../support/own-server.ts';

const PASSWORD = 'a-pass@word';
const CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";

let folder: string;
let authority: Authority;
let other: Authority;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ebs-tls-'));
  authority = await createAuthority(folder, 'authority');
  other = await createAuthority(folder, 'other');
});
afterAll(() => rmSync(folder, { recursive: true }));

const cipherOf = async (connection: Pick<Connection, 'query'>): Promise<string> =>
  (await connection.query<{ Value: string }[]>(CIPHER))[0]?.Value ?? '';

describe('a database account that requires TLS', () => {
  let server: Awaited<ReturnType<typeof startDatabase>>;
  let misnamed: Awaited<ReturnType<typeof startDatabase>>;
  beforeAll(async () => {
    server = await startDatabase(await authority.issue('127.0.0.1'));
    misnamed = await startDatabase(await authority.issue('db.internal'));
    for (const { adminUrl } of [server, misnamed]) {
      const admin = await openConnection(adminUrl);
      await admin.query(`CREATE USER secured IDENTIFIED BY '${PASSWORD}' REQUIRE SSL`);
      await admin.query('GRANT ALL PRIVILEGES ON booking_db.* TO secured');
      await admin.end();
    }
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    await misnamed?.stop();
  });

  const urlOf = ({ port }: { port: number }, parameters: string, password = PASSWORD) =>
    `mysql://secured:${encodeURIComponent(password)}@127.0.0.1:${port}/booking_db?${parameters}`;

  it('works with a pool, a single connection and the migrations, all encrypted', async () => {
    for (const parameters of [
      'ssl-mode=required',
      `ssl-ca=${authority.file}`,
      `ssl-mode=verify-identity&ssl-ca=${authority.file}`,
    ]) {
      const url = urlOf(server, parameters);
      const connection = await openConnection(url);
      expect(await cipherOf(connection)).toMatch(/^TLS_/);
      await connection.end();
      const pool = createDatabasePool(parseConfig(databaseSettings('booking_db'), { DATABASE_URL: url }));
      expect(await cipherOf(pool)).toMatch(/^TLS_/);
      await pool.end();
    }
    const url = urlOf(server, `ssl-ca=${authority.file}`);
    const { applied } = await applyMigrations({ url, folder: join(root, 'prisma/booking/migrations') });
    expect(applied.length).toBeGreaterThan(0);
  });

  it('works with the MYSQL_ variables', async () => {
    const pool = createDatabasePool(
      parseConfig(databaseSettings('booking_db'), {
        MYSQL_PORT: String(server.port),
        MYSQL_USER: 'secured',
        MYSQL_PASSWORD: PASSWORD,
        MYSQL_SSL_MODE: 'verify-identity',
        MYSQL_SSL_CA: authority.file,
      }),
    );
    expect(await cipherOf(pool)).toMatch(/^TLS_/);
    await pool.end();
  });

  it('control: refuses an unencrypted connection', async () => {
    await expect(openConnection(urlOf(server, ''))).rejects.toMatchObject({ errno: 1045 });
  });

  it('cannot be used when the server certificate is from another authority', async () => {
    for (const mode of ['verify-ca', 'verify-identity']) {
      const url = urlOf(server, `ssl-mode=${mode}&ssl-ca=${other.file}`);
      await expect(openConnection(url)).rejects.toThrow(/certificate/i);
    }
    await expect(openConnection(urlOf(server, 'ssl-mode=verify-identity'))).rejects.toThrow(/certificate/i);
  });

  it('cannot be used with verify-identity when the server certificate is for another host', async () => {
    const verified = (mode: string) => urlOf(misnamed, `ssl-mode=${mode}&ssl-ca=${authority.file}`);
    await (await openConnection(verified('verify-ca'))).end();
    await expect(openConnection(verified('verify-identity'))).rejects.toThrow(/certificate/);
  });

  it('works again in the same pool when a wrong password becomes valid', async () => {
    const url = urlOf(server, `ssl-ca=${authority.file}`, 'corrected');
    const pool = createDatabasePool(parseConfig(databaseSettings('booking_db'), { DATABASE_URL: url }));
    await expect(pool.query('SELECT 1')).rejects.toThrow();
    const admin = await openConnection(server.adminUrl);
    await admin.query("ALTER USER secured IDENTIFIED BY 'corrected'");
    await expect.poll(() => pool.query('SELECT 1').catch(String), { timeout: 10_000 }).toHaveLength(1);
    await admin.query(`ALTER USER secured IDENTIFIED BY '${PASSWORD}'`);
    await admin.end();
    await pool.end();
  });
});

it('a connection that requires TLS fails on a server without TLS', async () => {
  const plain = await startDatabase();
  try {
    for (const parameters of ['ssl-mode=required', `ssl-ca=${authority.file}`]) {
      await expect(openConnection(`${plain.adminUrl}?${parameters}`)).rejects.toThrow(/ssl not enabled/);
    }
    // Control: a connection without TLS succeeds.
    await (await openConnection(plain.adminUrl)).end();
  } finally {
    await plain.stop();
  }
}, 120_000);

describe('a man in the middle who pretends to be MariaDB and requests the password in clear text', () => {
  /** Starts the false server. `received` is what it got after the TLS handshake. */
  async function startFalseServer({ cert, key }: { cert: string; key: string }) {
    let received = '';
    const sockets = new Set<Socket>();
    const packet = (number: number, body: Buffer) =>
      Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, number]), body]);
    const greeting = Buffer.concat([
      Buffer.from([10]),
      Buffer.from('5.5.5-10.11.6-MariaDB\0'),
      Buffer.from([1, 0, 0, 0]),
      Buffer.from('12345678\0'),
      // Capabilities: protocol 4.1, secure connection, TLS; then authentication plug-ins.
      Buffer.from([0x00, 0x8a, 45, 2, 0, 0x08, 0x00, 21]),
      Buffer.alloc(10),
      Buffer.from('123456789012\0'),
      Buffer.from('mysql_native_password\0'),
    ]);
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.write(packet(0, greeting));
      socket.once('data', (bytes: Buffer) => {
        // The first 36 bytes request TLS. The start of the handshake may follow in the same chunk.
        socket.pause();
        socket.unshift(bytes.subarray(36));
        const secure = new TLSSocket(socket, { isServer: true, cert, key });
        secure.on('error', () => undefined);
        secure.once('data', () => secure.write(packet(3, Buffer.from('\xfemysql_clear_password\0', 'latin1'))));
        secure.on('data', (bytes) => {
          received += bytes.toString('latin1');
          if (received.includes(PASSWORD)) secure.destroy();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `mysql://secured:${encodeURIComponent(PASSWORD)}@127.0.0.1:${(server.address() as AddressInfo).port}/`,
      received: () => received,
      close: () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    };
  }

  it.each([
    ['verify-ca', 'another authority', '127.0.0.1'],
    ['verify-identity', 'another authority', '127.0.0.1'],
    ['verify-identity', 'the authority', 'db.internal'],
  ])('does not get the password with ssl-mode %s and a certificate of %s for %s', async (mode, issuer, host) => {
    const server = await startFalseServer(await (issuer === 'the authority' ? authority : other).issue(host));
    await expect(openConnection(`${server.url}?ssl-mode=${mode}&ssl-ca=${authority.file}`)).rejects.toThrow(
      /certificate/,
    );
    expect(server.received()).not.toContain(PASSWORD);
    server.close();
  });

  it('control: gets the password without verification', async () => {
    const server = await startFalseServer(await other.issue('127.0.0.1'));
    await expect(openConnection(`${server.url}?ssl-mode=required`)).rejects.toThrow();
    expect(server.received()).toContain(PASSWORD);
    server.close();
  });
});
