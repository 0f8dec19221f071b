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

describe('a database that takes an account over TLS only', () => {
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

  it('is reached by a pool, by a single connection and by the migrations, each encrypted', async () => {
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

  it('is reached as the variables say', async () => {
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

  it('(and refuses a plain connection)', async () => {
    await expect(openConnection(urlOf(server, ''))).rejects.toMatchObject({ errno: 1045 });
  });

  it('is refused with the certificate of another authority', async () => {
    for (const mode of ['verify-ca', 'verify-identity']) {
      const url = urlOf(server, `ssl-mode=${mode}&ssl-ca=${other.file}`);
      await expect(openConnection(url)).rejects.toThrow(/certificate/i);
    }
    await expect(openConnection(urlOf(server, 'ssl-mode=verify-identity'))).rejects.toThrow(/certificate/i);
  });

  it('is refused with a certificate for another host where that is verified', async () => {
    const verified = (mode: string) => urlOf(misnamed, `ssl-mode=${mode}&ssl-ca=${authority.file}`);
    await (await openConnection(verified('verify-ca'))).end();
    await expect(openConnection(verified('verify-identity'))).rejects.toThrow(/certificate/);
  });

  it('is used again by the same pool once a wrong password is right', async () => {
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

it('a database without TLS is refused where TLS is required', async () => {
  const plain = await startDatabase();
  try {
    for (const parameters of ['ssl-mode=required', `ssl-ca=${authority.file}`]) {
      await expect(openConnection(`${plain.adminUrl}?${parameters}`)).rejects.toThrow(/ssl not enabled/);
    }
    // Control: it serves those who do not ask for TLS.
    await (await openConnection(plain.adminUrl)).end();
  } finally {
    await plain.stop();
  }
}, 120_000);

describe('somebody between the service and its database, who says that they are MariaDB and asks for the password in clear', () => {
  /** What they read after TLS began. */
  async function trap({ cert, key }: { cert: string; key: string }) {
    let heard = '';
    const sockets = new Set<Socket>();
    const packet = (number: number, body: Buffer) =>
      Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, number]), body]);
    const greeting = Buffer.concat([
      Buffer.from([10]),
      Buffer.from('5.5.5-10.11.6-MariaDB\0'),
      Buffer.from([1, 0, 0, 0]),
      Buffer.from('12345678\0'),
      // Protocol 4.1, secure connections, TLS; then plug-ins for the log-in.
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
        // The request for TLS; its first bytes may have come along.
        socket.pause();
        socket.unshift(bytes.subarray(36));
        const secure = new TLSSocket(socket, { isServer: true, cert, key });
        secure.on('error', () => undefined);
        secure.once('data', () => secure.write(packet(3, Buffer.from('\xfemysql_clear_password\0', 'latin1'))));
        secure.on('data', (bytes) => {
          heard += bytes.toString('latin1');
          if (heard.includes(PASSWORD)) secure.destroy();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `mysql://secured:${encodeURIComponent(PASSWORD)}@127.0.0.1:${(server.address() as AddressInfo).port}/`,
      heard: () => heard,
      close: () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    };
  }

  it.each([
    ['verify-ca', 'other', '127.0.0.1'],
    ['verify-identity', 'other', '127.0.0.1'],
    ['verify-identity', 'authority', 'db.internal'],
  ])('does not learn the password with ssl-mode %s and a certificate of the %s for %s', async (mode, issuer, host) => {
    const liar = await trap(await (issuer === 'other' ? other : authority).issue(host));
    await expect(openConnection(`${liar.url}?ssl-mode=${mode}&ssl-ca=${authority.file}`)).rejects.toThrow(
      /certificate/,
    );
    expect(liar.heard()).not.toContain(PASSWORD);
    liar.close();
  });

  it('(and would learn it without verification)', async () => {
    const liar = await trap(await other.issue('127.0.0.1'));
    await expect(openConnection(`${liar.url}?ssl-mode=required`)).rejects.toThrow();
    expect(liar.heard()).toContain(PASSWORD);
    liar.close();
  });
});
